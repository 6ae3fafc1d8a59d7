package resolver

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"
)

// literalsFactor times the cache's TTL is how long it is remembered that a value of a
// config is no secret. A credential that was made at the end of that is good for a TTL
// more: five TTLs are the bound on how late a secret is seen that comes to be under the
// name of a literal. An edit of the config forgets, and so does refresh.
const literalsFactor = 4

// literalOverhead estimates the memory of a literal less its value, in bytes.
const literalOverhead = 200

// secretCache keeps the secrets that credentials are made of, so that those which
// share a secret read it once, and what single-key mode has learned: the values of a
// config that are no secrets. Missing secrets are not kept otherwise, and failures
// are not kept at all.
type secretCache struct {
	ttl      time.Duration // of a secret
	learned  time.Duration // of a literal
	now      func() time.Time
	secrets  *otter.Cache[string, dated[storedSecret]]
	literals *otter.Cache[literal, time.Time]
	flights  *flights[string, dated[storedSecret]]
}

// size estimates the memory of a secret.
func (s storedSecret) size() int { return sizeOf(s.Object) + len(s.entry) + len(s.text) }

// dated is a value and when the reading of it began.
type dated[T any] struct {
	value T
	at    time.Time
}

// literal is a value of a config, which a hash stands for, that is no secret.
type literal struct {
	config [sha256.Size]byte
	value  string
}

// newSecretCache returns a cache for credentials that are cached as options say, and
// resolved within a timeout. A secret is taken from it for half of a credential's TTL,
// since a credential is as old as the oldest of its secrets, and is to be renewed
// before its time is up. A reading of a secret ends a little before the timeout, so
// that who began it hears why, such as that the store never connected, and not that
// his own time is up.
func newSecretCache(o CacheOptions, timeout time.Duration) *secretCache {
	c := &secretCache{
		ttl: o.TTL / 2, learned: literalsFactor * o.TTL, now: o.Now,
		flights: newFlights[string, dated[storedSecret]](o.Now, timeout-timeout/20, 0),
	}
	if o.TTL <= 0 {
		return c
	}
	scale := o.scale()
	c.secrets = otter.Must(&otter.Options[string, dated[storedSecret]]{
		Clock:         o.clock,
		MaximumWeight: scale.most,
		Weigher: func(name string, secret dated[storedSecret]) uint32 {
			return scale.weigh(len(name) + secret.value.size())
		},
		ExpiryCalculator: otter.ExpiryWriting[string, dated[storedSecret]](c.ttl),
	})
	c.literals = otter.Must(&otter.Options[literal, time.Time]{
		Clock:            o.clock,
		MaximumWeight:    uint64(o.MaxBytes),                                                                    //nolint:gosec // it is above zero
		Weigher:          func(l literal, _ time.Time) uint32 { return uint32(literalOverhead + len(l.value)) }, //nolint:gosec // a name of a secret is short
		ExpiryCalculator: otter.ExpiryWriting[literal, time.Time](c.learned),
	})
	return c
}

// get returns a secret that was read at since or later, from what is kept or by a
// read that all share who ask for it.
func (c *secretCache) get(
	ctx context.Context, name string, since time.Time, read func(context.Context) (storedSecret, error),
) (dated[storedSecret], error) {
	if c.secrets == nil {
		began := c.now()
		secret, err := read(ctx)
		return dated[storedSecret]{secret, began}, err
	}
	if kept, ok := c.kept(name, since); ok {
		return kept, nil
	}
	for {
		secret, err := c.flights.do(ctx, name, since, func(ctx context.Context, began time.Time) (dated[storedSecret], error) {
			// Who missed the cache while another filled it does not read again.
			if kept, ok := c.kept(name, since); ok {
				return kept, nil
			}
			return c.fill(ctx, name, began, read)
		})
		if err != nil || !secret.at.Before(since) { // else it was one of those, for who asks for less
			return secret, err
		}
	}
}

// kept returns a secret that is kept and was read at since or later.
func (c *secretCache) kept(name string, since time.Time) (dated[storedSecret], bool) {
	secret, ok := c.secrets.GetIfPresent(name)
	return secret, ok && !secret.at.Before(since) && c.now().Sub(secret.at) < c.ttl
}

// fill reads a secret and keeps it.
func (c *secretCache) fill(
	ctx context.Context, name string, began time.Time, read func(context.Context) (storedSecret, error),
) (dated[storedSecret], error) {
	got, err := read(ctx)
	secret := dated[storedSecret]{got, began}
	switch {
	case err == nil && got.Len() > 0:
		c.secrets.Set(name, secret)
	case err == nil, !KindOf(err).Retryable():
		c.secrets.Invalidate(name) // it is gone, or refused
	}
	return secret, err
}

// isLiteral tells whether a value of a config was no secret at since or later.
func (c *secretCache) isLiteral(l literal, since time.Time) bool {
	if c.literals == nil {
		return false
	}
	at, ok := c.literals.GetIfPresent(l)
	return ok && !at.Before(since) && c.now().Sub(at) < c.learned
}

// learn remembers that a value of a config is no secret.
func (c *secretCache) learn(l literal, at time.Time) {
	if c.literals != nil {
		c.literals.Set(l, at)
	}
}

func (c *secretCache) close() {
	c.flights.close()
	if c.secrets != nil {
		c.secrets.StopAllGoroutines()
		c.literals.StopAllGoroutines()
	}
}
