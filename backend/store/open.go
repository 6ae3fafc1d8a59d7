package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dapr/kit/logger"
)

// DefaultFirstAttempt is how long Open waits for the first attempt to connect (DESIGN.md,
// section 9). daprd's own limit for Init is 5 s.
const DefaultFirstAttempt = 3 * time.Second

// Options say how to open a store.
type Options struct {
	// Limits bound the calls to the store. Their zero value has no retry and no circuit
	// breaker: see DefaultLimits.
	Limits Limits
	// FirstAttempt bounds the wait for the first attempt to connect. Zero:
	// DefaultFirstAttempt.
	FirstAttempt time.Duration
	// FailFast makes Open fail if the first attempt fails for any reason, for commands that a
	// person waits for. False: the store goes on connecting in the background.
	FailFast bool
	// Logger gets failed attempts and, at debug level, the store's own messages. Required.
	Logger logger.Logger
	// AllowExecPlugins lets a store run programs that its configuration names, such as a
	// kubeconfig's exec plugin. False: such a configuration is a permanent error. Otherwise
	// anyone who may name a file to the component could run any program as the component's
	// user.
	AllowExecPlugins bool
	// Revalidate keeps the last configs of a [Revalidator] in memory, so that one that has not
	// changed is not sent again. False: no config stays in memory.
	Revalidate bool
	// Observer gets each attempt at a store. Nil: no observer.
	Observer Observer
}

func (o Options) withDefaults() Options {
	if o.FirstAttempt <= 0 {
		o.FirstAttempt = DefaultFirstAttempt
	}
	return o
}

// Opened is an open config store or secret store, with its connection and its limits.
type Opened[C interface{ Close() error }] struct {
	connector *connector[C]
	guard     *guard

	label     string
	storeType string
	observer  Observer // nil: no observer
}

// Open checks a spec and starts to connect. It returns an error that a retry cannot fix, such
// as an unknown name, a wrong value or an unusable file. With FailFast it returns any failure
// of the first attempt.
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
		log.Warnf("%s (%s) is not connected yet: %s; trying again", spec.Label, spec.Type, SafeWords(err))
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
		label: spec.Label, storeType: spec.Type, observer: opts.Observer,
	}
	return o, t, fields, nil
}

// Use runs a call on the connected store. ctx and the store's limits bound the call.
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

// Close stops connecting and closes the store. The caller makes sure that no call is running.
func (o *Opened[C]) Close() error { return o.connector.Close() }
