package resolver

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// A config takes up to 40 times its size in memory while its credential is made. So few
// large ones are worked on at a time, in bytes of their text.
const (
	largeConfig  = 64 << 10          // a smaller one counts for nothing
	largeConfigs = 2 * MaxConfigSize // at a time
)

func newLargeConfigs() *semaphore.Weighted { return semaphore.NewWeighted(largeConfigs) }

// admit waits until a config of a size may be worked on; leave ends that.
func (r *Resolver) admit(ctx context.Context, guid string, size int) (leave func(), err error) {
	if size < largeConfig {
		return func() {}, nil
	}
	weight := int64(min(size, MaxConfigSize))
	if r.large.Acquire(ctx, weight) != nil {
		return nil, &Error{
			Kind: Unavailable, GUID: guid, cause: ctx.Err(),
			Reason: "the component is overloaded: too many large credentials are being resolved",
		}
	}
	return func() { r.large.Release(weight) }, nil
}
