package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// DefaultFirstAttempt is how long opening a store waits for its first attempt to
// connect (DESIGN.md, section 9): daprd's own limit for Init is 5 s.
const DefaultFirstAttempt = 3 * time.Second

// Options are how stores are opened.
type Options struct {
	// Limits bound the calls to the store. Their zero value allows no retry and has
	// no breaker: see DefaultLimits.
	Limits Limits
	// FirstAttempt bounds the wait for the first attempt to connect. Zero:
	// DefaultFirstAttempt.
	FirstAttempt time.Duration
	// FailFast makes any failure of the first attempt the outcome of opening the
	// store, for commands that somebody waits for. False: it goes on connecting.
	FailFast bool
	// Logger is told of attempts that failed, and at debug level of the store's
	// own words. Required.
	Logger logger.Logger
	// AllowExecPlugins lets a store run programs that its configuration names, as a
	// kubeconfig's exec plugin does. False: such a configuration is refused, for good:
	// whoever may name a file to the component could otherwise run any program as its
	// user.
	AllowExecPlugins bool
	// Observer is told of each attempt at a store. Nil: nobody is told.
	Observer Observer
}

// Observer is told of calls to stores. It is called from several goroutines at once.
type Observer interface {
	// StoreCalled reports an attempt at a store, which its spec's label names, and how
	// long it took. Its error is nil or that of the attempt, of kind NotFound for what
	// is missing; its text and what it wraps are not public. It is called when the store
	// has answered, which may be after the request's time.
	StoreCalled(ctx context.Context, store string, took time.Duration, err error)
}

func (o Options) withDefaults() Options {
	if o.FirstAttempt <= 0 {
		o.FirstAttempt = DefaultFirstAttempt
	}
	return o
}

// opened is a store of either sort, with what its calls need.
type opened[C interface{ Close() error }] struct {
	link  *link[C]
	guard *guard

	label    string
	observer Observer // nil for none
}

// open checks a spec and starts to connect. Its error is one that no retry
// mends: an unknown name, a wrong value, a file that is not what it should be.
func open[C interface{ Close() error }](
	ctx context.Context, spec Spec, types map[string]storeType[C], opts Options,
) (*opened[C], storeType[C], map[string]string, error) {
	opts = opts.withDefaults()
	t, fields, err := lookup(spec, types)
	if err != nil {
		return nil, t, nil, err
	}
	log := opts.Logger
	l := newLink(func(ctx context.Context) (C, error) {
		return t.connect(ctx, fields, quiet{log})
	}, func(err error) {
		if opts.FailFast {
			return
		}
		log.Warnf("%s (%s) is not connected yet: %s; trying again", spec.Label, spec.Type, safeWords(err))
		log.Debugf("%s (%s): %v", spec.Label, spec.Type, scrub(err, fields))
	})
	ctx, cancel := context.WithTimeout(ctx, opts.FirstAttempt)
	defer cancel()
	if err := l.awaitFirst(ctx, opts.FailFast); err != nil {
		_ = l.Close()
		return nil, t, nil, fmt.Errorf("%s (%s): %w", spec.Label, spec.Type, scrub(err, t.hidden(fields, opts.FailFast)))
	}
	limits := opts.Limits
	if t.nearby {
		limits.Retries, limits.BreakerFailures = 0, 0
	}
	o := &opened[C]{
		link: l, guard: newGuard(limits, spec.Label+" ("+spec.Type+")", log),
		label: spec.Label, observer: opts.Observer,
	}
	return o, t, fields, nil
}

// use runs a call on the connected store, within ctx and the store's own limit.
func use[C interface{ Close() error }, T any](
	ctx context.Context, o *opened[C], call func(context.Context, C) (T, error),
) (T, error) {
	conn, err := o.link.await(ctx)
	if err != nil {
		var none T
		return none, err
	}
	return guarded(ctx, o.guard, func(ctx context.Context) (T, error) {
		return observed(ctx, o, func(ctx context.Context) (T, error) { return call(ctx, conn) })
	})
}

// observed makes an attempt and reports it. A panic is reported as a failure, and goes on.
func observed[C interface{ Close() error }, T any](
	ctx context.Context, o *opened[C], call func(context.Context) (T, error),
) (value T, err error) {
	if o.observer == nil {
		return call(ctx)
	}
	began := time.Now()
	err = &credential.StoreError{Kind: credential.Internal, Err: errPanic} // until the call returns
	defer func() { o.observer.StoreCalled(ctx, o.label, time.Since(began), err) }()
	value, err = call(ctx)
	return value, err
}

// Close stops connecting and closes the store. The caller sees to it that no
// call is running.
func (o *opened[C]) Close() error { return o.link.Close() }

// safeWords says why a store could not connect in words that hold no address and no
// metadata: ours, the operating system's, or fixed ones.
func safeWords(err error) string {
	var errno syscall.Errno
	switch remedy := credential.RemedyOf(err); {
	case remedy != "":
		if errors.As(err, &errno) {
			remedy += ": " + errno.Error()
		}
		return remedy
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, credential.Denied):
		return "it refuses us"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	default:
		return "see the log at debug level"
	}
}

// SecretStore is a store of secrets.
type SecretStore struct {
	*opened[secretConn]

	validName func(name string) bool
}

var (
	_ resolver.SecretStore = (*SecretStore)(nil)
	_ resolver.Namer       = (*SecretStore)(nil)
)

// OpenSecretStore opens the store of a spec. Its error is one that no retry
// mends; a store that is merely down goes on connecting.
func OpenSecretStore(ctx context.Context, spec Spec, opts Options) (*SecretStore, error) {
	o, t, fields, err := open(ctx, spec, secretStores(opts.AllowExecPlugins), opts)
	if err != nil {
		return nil, err
	}
	valid := func(string) bool { return true }
	if t.validName != nil {
		valid = func(name string) bool { return t.validName(fields, name) }
	}
	return &SecretStore{opened: o, validName: valid}, nil
}

// Secret implements [resolver.SecretStore].
func (s *SecretStore) Secret(ctx context.Context, name string) (map[string]string, error) {
	return use(ctx, s.opened, func(ctx context.Context, c secretConn) (map[string]string, error) {
		return c.get(ctx, name)
	})
}

// ValidName implements [resolver.Namer].
func (s *SecretStore) ValidName(name string) bool { return s.validName(name) }

// LeadingSlash implements [resolver.Namer]: no store here has such names.
func (s *SecretStore) LeadingSlash() bool { return false }
