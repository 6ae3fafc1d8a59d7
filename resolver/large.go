package resolver

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
)

// A config takes up to 40 times its size in memory while its credential is made. So the total
// size of the large configs that are resolved at a time, or wait for that, is limited. All
// limits are in bytes of config text.
const (
	largeConfig         = 64 << 10 // smaller configs do not count
	largeConfigs        = 2 * credential.MaxConfigSize
	waitingLargeConfigs = 16 * credential.MaxConfigSize
)

// largeConfigGate limits how many large configs are resolved at a time.
type largeConfigGate struct {
	running *semaphore.Weighted
	waiting atomic.Int64 // bytes of the configs that wait
}

func newLargeConfigGate() *largeConfigGate {
	return &largeConfigGate{running: semaphore.NewWeighted(largeConfigs)}
}

var errLargeConfigs = errors.New("too many large configs")

// enter waits until a config of this size may be resolved. The caller calls leave afterwards.
// It fails with errLargeConfigs if too many configs wait, or with the error of ctx.
func (g *largeConfigGate) enter(ctx context.Context, size int) (leave func(), err error) {
	if size < largeConfig {
		return func() {}, nil
	}
	weight := int64(min(size, credential.MaxConfigSize))
	defer g.waiting.Add(-weight)
	if g.waiting.Add(weight) > waitingLargeConfigs {
		return nil, errLargeConfigs
	}
	if err := g.running.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { g.running.Release(weight) }, nil
}

// admit is like enter, and returns an [*credential.Error] of kind Unavailable.
func (r *Resolver) admit(ctx context.Context, guid string, size int) (leave func(), err error) {
	leave, err = r.large.enter(ctx, size)
	if err != nil {
		return nil, &credential.Error{
			Kind: credential.Unavailable, GUID: guid, Cause: err,
			Reason: "the component is overloaded: too many large credentials are being resolved",
		}
	}
	return leave, nil
}
