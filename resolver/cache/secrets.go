package cache

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
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
type Secrets struct {
	ttl      time.Duration // of a secret
	learned  time.Duration // of a literal
	now      func() time.Time
	secrets  *otter.Cache[string, Dated[credential.Secret]]
	literals *otter.Cache[Literal, time.Time]
	reads    *flight.Group[string, Dated[credential.Secret]]
}

// dated is a value and when the reading of it began.
type Dated[T any] struct {
	Value T
	At    time.Time
}

// literal is a value of a config, which a hash stands for, that is no secret.
type Literal struct {
	Config [sha256.Size]byte
	Value  string
}

// newSecretCache returns a cache for credentials that are cached as options say, and
// resolved within a timeout. A secret is taken from it for half of a credential's TTL,
// since a credential is as old as the oldest of its secrets, and is to be renewed
// before its time is up. A reading of a secret ends a little before the timeout, so
// that who began it hears why, such as that the store never connected, and not that
// his own time is up.
func NewSecrets(o Options, timeout time.Duration) *Secrets {
	c := &Secrets{
		ttl: o.TTL / 2, learned: literalsFactor * o.TTL, now: o.Now,
		reads: flight.New[string, Dated[credential.Secret]](o.Now, timeout-timeout/20, 0),
	}
	if o.TTL <= 0 {
		return c
	}
	scale := o.scale()
	c.secrets = otter.Must(&otter.Options[string, Dated[credential.Secret]]{
		Clock:         o.clock,
		MaximumWeight: scale.most,
		Weigher: func(name string, secret Dated[credential.Secret]) uint32 {
			return scale.weigh(len(name) + secret.Value.Size())
		},
		ExpiryCalculator: otter.ExpiryWriting[string, Dated[credential.Secret]](c.ttl),
	})
	c.literals = otter.Must(&otter.Options[Literal, time.Time]{
		Clock:            o.clock,
		MaximumWeight:    uint64(o.MaxBytes),                                                                    //nolint:gosec // it is above zero
		Weigher:          func(l Literal, _ time.Time) uint32 { return uint32(literalOverhead + len(l.Value)) }, //nolint:gosec // a name of a secret is short
		ExpiryCalculator: otter.ExpiryWriting[Literal, time.Time](c.learned),
	})
	return c
}

// get returns a secret that was read at since or later, from what is kept or by a
// read that all share who ask for it.
func (c *Secrets) Get(
	ctx context.Context, name string, since time.Time, read func(context.Context) (credential.Secret, error),
) (Dated[credential.Secret], error) {
	if c.secrets == nil {
		began := c.now()
		secret, err := read(ctx)
		return Dated[credential.Secret]{secret, began}, err
	}
	if kept, ok := c.kept(name, since); ok {
		return kept, nil
	}
	for {
		secret, err := c.reads.Do(ctx, name, since, func(ctx context.Context, began time.Time) (Dated[credential.Secret], error) {
			// Who missed the cache while another filled it does not read again.
			if kept, ok := c.kept(name, since); ok {
				return kept, nil
			}
			return c.fill(ctx, name, began, read)
		})
		if err != nil || !secret.At.Before(since) { // else it was one of those, for who asks for less
			return secret, err
		}
	}
}

// kept returns a secret that is kept and was read at since or later.
func (c *Secrets) kept(name string, since time.Time) (Dated[credential.Secret], bool) {
	secret, ok := c.secrets.GetIfPresent(name)
	return secret, ok && !secret.At.Before(since) && c.now().Sub(secret.At) < c.ttl
}

// fill reads a secret and keeps it.
func (c *Secrets) fill(
	ctx context.Context, name string, began time.Time, read func(context.Context) (credential.Secret, error),
) (Dated[credential.Secret], error) {
	got, err := read(ctx)
	secret := Dated[credential.Secret]{got, began}
	switch {
	case err == nil && got.Len() > 0:
		c.secrets.Set(name, secret)
	case err == nil, !credential.KindOf(err).Retryable():
		c.secrets.Invalidate(name) // it is gone, or refused
	}
	return secret, err
}

// isLiteral tells whether a value of a config was no secret at since or later.
func (c *Secrets) IsLiteral(l Literal, since time.Time) bool {
	if c.literals == nil {
		return false
	}
	at, ok := c.literals.GetIfPresent(l)
	return ok && !at.Before(since) && c.now().Sub(at) < c.learned
}

// learn remembers that a value of a config is no secret.
func (c *Secrets) Learn(l Literal, at time.Time) {
	if c.literals != nil {
		c.literals.Set(l, at)
	}
}

func (c *Secrets) Close() {
	c.reads.Close()
	if c.secrets != nil {
		c.secrets.StopAllGoroutines()
		c.literals.StopAllGoroutines()
	}
}
