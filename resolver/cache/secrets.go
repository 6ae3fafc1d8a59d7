package cache

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// literalsFactor times the TTL is how long the cache remembers that a value of a config is no
// secret. A credential from the end of that time is valid for one more TTL. So a new secret
// with the name of a literal is noticed after five TTLs at most. An edit of the config, or a
// refresh, skips the wait.
const literalsFactor = 4

// literalOverhead estimates the memory of a literal without its value, in bytes.
const literalOverhead = 200

// Secrets caches the secrets of one store, so that credentials which share a secret read it
// once. It also remembers what single-key mode has learned: which values of a config are no
// secrets. It caches no failures and no missing secrets. It is safe for concurrent use.
type Secrets struct {
	ttl      time.Duration // of secrets
	learned  time.Duration // how long a literal is remembered
	now      func() time.Time
	secrets  *otter.Cache[SecretID, Dated[credential.Secret]]
	literals *otter.Cache[Literal, time.Time]
	reads    *flight.Group[SecretID, Dated[credential.Secret]]
}

// SecretID names a secret of a store, or one version of it. Version "" is the current one.
type SecretID struct{ Name, Version string }

// Dated is a value and the time when its read began.
type Dated[T any] struct {
	Value T
	At    time.Time
}

// Literal is a value of a config that is no secret. Config is the hash of the config.
type Literal struct {
	Config [sha256.Size]byte
	Value  string
}

// NewSecrets returns a cache of secrets for credentials that are cached as o says. timeout is
// the limit of one resolution.
//
// A secret is valid for half of the TTL: a credential is as old as its oldest secret, and is
// refreshed before its TTL ends. A read of a secret ends a little before timeout, so that the
// caller learns why it failed (such as a store that never connected), and not only that its
// own time is up.
func NewSecrets(o Options, timeout time.Duration) *Secrets {
	c := &Secrets{
		ttl: o.TTL / 2, learned: literalsFactor * o.TTL, now: o.Now,
		reads: flight.New[SecretID, Dated[credential.Secret]](o.Now, timeout-timeout/20, 0),
	}
	if o.TTL <= 0 {
		return c
	}
	scale := o.scale()
	c.secrets = otter.Must(&otter.Options[SecretID, Dated[credential.Secret]]{
		Clock:         o.clock,
		MaximumWeight: scale.maxWeight,
		Weigher: func(id SecretID, secret Dated[credential.Secret]) uint32 {
			return scale.weigh(len(id.Name) + len(id.Version) + secret.Value.Size())
		},
		ExpiryCalculator: otter.ExpiryWriting[SecretID, Dated[credential.Secret]](c.ttl),
	})
	c.literals = otter.Must(&otter.Options[Literal, time.Time]{
		Clock:            o.clock,
		MaximumWeight:    uint64(o.MaxBytes),                                                                    //nolint:gosec // it is above zero
		Weigher:          func(l Literal, _ time.Time) uint32 { return uint32(literalOverhead + len(l.Value)) }, //nolint:gosec // a name of a secret is short
		ExpiryCalculator: otter.ExpiryWriting[Literal, time.Time](c.learned),
	})
	return c
}

// Get returns a secret that was read at since or later (zero: at any time), from the cache or
// from a read that all callers share. Its error is that of read.
func (c *Secrets) Get(
	ctx context.Context, id SecretID, since time.Time, read func(context.Context) (credential.Secret, error),
) (Dated[credential.Secret], error) {
	if c.secrets == nil {
		began := c.now()
		secret, err := read(ctx)
		return Dated[credential.Secret]{secret, began}, err
	}
	if kept, ok := c.kept(id, since); ok {
		return kept, nil
	}
	for {
		secret, err := c.reads.Do(ctx, id, since, func(ctx context.Context, began time.Time) (Dated[credential.Secret], error) {
			// Another caller may have filled the cache since this one missed it.
			if kept, ok := c.kept(id, since); ok {
				return kept, nil
			}
			return c.fill(ctx, id, began, read)
		})
		if err != nil || !secret.At.Before(since) { // otherwise the result is a cached one that is too old for this caller
			return secret, err
		}
	}
}

// kept returns a cached secret that was read at since or later.
func (c *Secrets) kept(id SecretID, since time.Time) (Dated[credential.Secret], bool) {
	secret, ok := c.secrets.GetIfPresent(id)
	return secret, ok && !secret.At.Before(since) && c.now().Sub(secret.At) < c.ttl
}

// fill reads a secret and caches it.
func (c *Secrets) fill(
	ctx context.Context, id SecretID, began time.Time, read func(context.Context) (credential.Secret, error),
) (Dated[credential.Secret], error) {
	got, err := read(ctx)
	secret := Dated[credential.Secret]{got, began}
	switch {
	case err == nil && got.Len() > 0:
		c.secrets.Set(id, secret)
	case err == nil, !credential.IsOutage(err):
		c.secrets.Invalidate(id) // it has disappeared, or access to it was refused
	}
	return secret, err
}

// LiteralSince returns when a value of a config was found to be no secret. False: it was not,
// or not at since or later.
func (c *Secrets) LiteralSince(l Literal, since time.Time) (time.Time, bool) {
	if c.literals == nil {
		return time.Time{}, false
	}
	at, ok := c.literals.GetIfPresent(l)
	return at, ok && !at.Before(since) && c.now().Sub(at) < c.learned
}

// Learn records that a value of a config was no secret at a time.
func (c *Secrets) Learn(l Literal, at time.Time) {
	if c.literals != nil {
		c.literals.Set(l, at)
	}
}

// Close ends all reads and waits for them.
func (c *Secrets) Close() {
	c.reads.Close()
	if c.secrets != nil {
		c.secrets.StopAllGoroutines()
		c.literals.StopAllGoroutines()
	}
}
