package cache

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
	"credential-resolver/resolver/task"
)

// renew begins a reading that nobody waits for, one at a time and, after one that
// failed, not at once.
func (c *Handler) renew(guid string, kept *item, now time.Time) {
	if kept.mayRetry(now) && !c.reads.Running(guid) {
		ctx := task.InBackground(context.Background())
		_, _ = c.reads.Join(ctx, guid, time.Time{}, flight.Always, c.refreshing(guid)) // none, if all is being closed
	}
}

// refreshing is reading, for a background refresh.
func (c *Handler) refreshing(guid string) func(context.Context, time.Time) (reading, error) {
	read := c.reading(guid, false)
	return func(ctx context.Context, began time.Time) (reading, error) {
		got, err := read(ctx, began)
		for _, observer := range c.observers {
			observer.Refreshed(ctx, guid, c.cache.opts.Now().Sub(began), got.err)
		}
		return got, err
	}
}

// read reads a credential, with all who ask for it meanwhile. No part of it was read
// before since; zero: at any time.
func (c *Handler) read(ctx context.Context, guid string, since time.Time) reading {
	return c.readIf(ctx, guid, since, flight.Always)
}

// readIf is read, if a reading is under way that will do, or one may begin; else its
// failure is errNotBegun.
func (c *Handler) readIf(ctx context.Context, guid string, since time.Time, may func() bool) reading {
	read := c.reading(guid, !since.IsZero())
	for {
		got, err := c.reads.DoWhen(ctx, guid, since, may, func(ctx context.Context, began time.Time) (reading, error) {
			// Who missed the cache while another filled it does not read again.
			kept, failure := c.cache.get(guid, began, since)
			switch {
			case failure.err != nil:
				return failure, nil
			case kept != nil && began.Sub(kept.credential.ReadAt) < c.cache.opts.TTL:
				return reading{credential: kept.credential, began: kept.began}, nil
			}
			return read(ctx, began)
		})
		if err != nil {
			return reading{err: err}
		}
		if !got.at().Before(since) { // else it was one of those, for who asks for less
			return got
		}
	}
}

// refreshSpacing is how long after one reading that was asked for fresh the next one
// may begin (section 3, refresh).
const refreshSpacing = time.Second

// refresh reads a credential anew: at since or later, and not sooner after the last
// time than may be.
func (c *Handler) refresh(ctx context.Context, guid string, since time.Time) reading {
	got, err := c.refreshes.Do(ctx, guid, since, func(ctx context.Context, began time.Time) (reading, error) {
		return c.read(ctx, guid, began), nil
	})
	if err != nil {
		return reading{err: err}
	}
	return got
}

// reading returns what reads a credential and keeps what it brings. Of secrets it
// takes those that are kept for other credentials, unless it must be fresh.
func (c *Handler) reading(guid string, fresh bool) func(context.Context, time.Time) (reading, error) {
	return func(ctx context.Context, began time.Time) (reading, error) {
		got := reading{began: began}
		switch {
		case c.cache.opts.Consistent:
			got.credential, got.err = c.consistent(ctx, guid)
		case fresh:
			got.credential, got.err = c.next.ResolveSince(ctx, guid, began)
		default:
			got.credential, got.err = c.next.ResolveSince(ctx, guid, time.Time{})
		}
		if got.err == nil || !errors.Is(ctx.Err(), context.Canceled) { // all is being closed, which says nothing of a store
			c.cache.keep(guid, got)
		}
		return got, nil
	}
}

// maxRereads is how often a credential is read again to see that nothing has changed.
const maxRereads = 2

// consistent reads a credential until two readings, one after the other, are alike:
// then none of its parts changed between the first and the last of them. After maxRereads
// it fails with errChanges, for which the last good credential stands in.
func (c *Handler) consistent(ctx context.Context, guid string) (*credential.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	before, err := c.next.ResolveSince(ctx, guid, c.cache.opts.Now())
	for range maxRereads {
		if err != nil {
			return nil, err
		}
		var after *credential.Credential
		if after, err = c.next.ResolveSince(ctx, guid, c.cache.opts.Now()); err != nil {
			return nil, err
		}
		if after.Fields.Equal(before.Fields) {
			return before, nil // whose age counts from the first reading
		}
		before = after
	}
	return nil, &credential.Error{Kind: credential.Unavailable, GUID: guid, Reason: errChanges.Error(), Cause: errChanges}
}
