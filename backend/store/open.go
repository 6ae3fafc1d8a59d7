package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dapr/kit/logger"

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

// Opened is a store of either sort, with what its calls need.
type Opened[C interface{ Close() error }] struct {
	connector *connector[C]
	guard     *guard

	label    string
	observer Observer // nil for none
}

// Open checks a spec and starts to connect. Its error is one that no retry
// mends: an unknown name, a wrong value, a file that is not what it should be.
func Open[C interface{ Close() error }](
	ctx context.Context, spec Spec, types map[string]Type[C], opts Options,
) (*Opened[C], Type[C], map[string]string, error) {
	opts = opts.withDefaults()
	t, fields, err := Lookup(spec, types)
	if err != nil {
		return nil, t, nil, err
	}
	log := opts.Logger
	l := newConnector(func(ctx context.Context) (C, error) {
		return t.Connect(ctx, fields, Quiet(log))
	}, func(err error) {
		if opts.FailFast {
			return
		}
		log.Warnf("%s (%s) is not connected yet: %s; trying again", spec.Label, spec.Type, safeWords(err))
		log.Debugf("%s (%s): %v", spec.Label, spec.Type, Scrub(err, fields))
	})
	ctx, cancel := context.WithTimeout(ctx, opts.FirstAttempt)
	defer cancel()
	if err := l.awaitFirst(ctx, opts.FailFast); err != nil {
		_ = l.Close()
		return nil, t, nil, fmt.Errorf("%s (%s): %w", spec.Label, spec.Type, Scrub(err, t.hidden(fields, opts.FailFast)))
	}
	limits := opts.Limits
	if t.Nearby {
		limits.Retries, limits.BreakerFailures = 0, 0
	}
	o := &Opened[C]{
		connector: l, guard: newGuard(limits, spec.Label+" ("+spec.Type+")", log),
		label: spec.Label, observer: opts.Observer,
	}
	return o, t, fields, nil
}

// Use runs a call on the connected store, within ctx and the store's own limit.
func Use[C interface{ Close() error }, T any](
	ctx context.Context, o *Opened[C], call func(context.Context, C) (T, error),
) (T, error) {
	conn, err := o.connector.await(ctx)
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
	ctx context.Context, o *Opened[C], call func(context.Context) (T, error),
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
func (o *Opened[C]) Close() error { return o.connector.Close() }
