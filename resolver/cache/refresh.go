package cache

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
	"credential-resolver/resolver/task"
)

// refreshInBackground starts a read that no request waits for, unless one is running or the
// backoff is not over.
func (h *Handler) refreshInBackground(guid string, kept *item, now time.Time) {
	if kept.mayRetry(now) && !h.reads.Running(guid) {
		ctx := task.InBackground(context.Background())
		_, _ = h.reads.Join(ctx, guid, time.Time{}, flight.Always, h.backgroundRead(guid)) // the only error: the handler is being closed
	}
}

// backgroundRead returns readFunc for a background refresh, which the observers are told of.
func (h *Handler) backgroundRead(guid string) func(context.Context, time.Time) (result, error) {
	read := h.readFunc(guid, false)
	return func(ctx context.Context, began time.Time) (result, error) {
		for _, observer := range h.observers {
			ctx = observer.Refreshing(ctx, guid)
		}
		got, err := read(ctx, began)
		for _, observer := range h.observers {
			observer.Refreshed(ctx, guid, h.cache.opts.Now().Sub(began), got.err)
		}
		return got, err
	}
}

// read reads a credential, and shares the read with all callers that ask for it meanwhile. No
// part of the credential was read before since; zero: at any time.
func (h *Handler) read(ctx context.Context, guid string, since time.Time) result {
	return h.readWhen(ctx, guid, since, flight.Always)
}

// readWhen is like read, but begins a new read only if allow returns true. Otherwise the
// result holds [flight.ErrNotBegun].
func (h *Handler) readWhen(ctx context.Context, guid string, since time.Time, allow func() bool) result {
	read := h.readFunc(guid, !since.IsZero())
	for {
		got, err := h.reads.DoWhen(ctx, guid, since, allow, func(ctx context.Context, began time.Time) (result, error) {
			// Another caller may have filled the cache since this one missed it.
			kept, failure := h.cache.get(guid, began, since)
			switch {
			case failure.err != nil:
				return failure, nil
			case kept != nil && began.Sub(kept.credential.ReadAt) < h.cache.opts.TTL:
				return result{credential: kept.credential, began: kept.began}, nil
			}
			return read(ctx, began)
		})
		if err != nil {
			return result{err: err}
		}
		if !got.at().Before(since) { // otherwise the result is a cached one that is too old for this caller
			return got
		}
	}
}

// refreshSpacing is the shortest time between two reads for [Ask.Fresh] (section 3, refresh).
const refreshSpacing = time.Second

// refresh reads a credential at since or later, at most once every refreshSpacing.
func (h *Handler) refresh(ctx context.Context, guid string, since time.Time) result {
	got, err := h.refreshes.Do(ctx, guid, since, func(ctx context.Context, began time.Time) (result, error) {
		return h.read(ctx, guid, began), nil
	})
	if err != nil {
		return result{err: err}
	}
	return got
}

// readFunc returns a function that reads a credential and stores the result in the cache.
// With fresh, it takes no cached secrets.
func (h *Handler) readFunc(guid string, fresh bool) func(context.Context, time.Time) (result, error) {
	return func(ctx context.Context, began time.Time) (result, error) {
		got := result{began: began}
		switch {
		case h.cache.opts.Consistent:
			got.credential, got.err = h.consistent(ctx, guid)
		case fresh:
			got.credential, got.err = h.next.ResolveSince(ctx, guid, began)
		default:
			got.credential, got.err = h.next.ResolveSince(ctx, guid, time.Time{})
		}
		if got.err == nil || !errors.Is(ctx.Err(), context.Canceled) { // after Close, a failure says nothing about a store
			h.cache.keep(guid, got)
		}
		return got, nil
	}
}

// maxRereads is how often a consistent read is repeated.
const maxRereads = 2

// consistent reads a credential until two reads in a row are equal. Then no part changed
// between them. After maxRereads it fails with errChanges, and a stale answer may replace
// that failure.
func (h *Handler) consistent(ctx context.Context, guid string) (*credential.Credential, error) {
	before, err := h.next.ResolveSince(ctx, guid, h.cache.opts.Now())
	for range maxRereads {
		if err != nil {
			return nil, err
		}
		var after *credential.Credential
		if after, err = h.next.ResolveSince(ctx, guid, h.cache.opts.Now()); err != nil {
			return nil, err
		}
		if after.Fields.Equal(before.Fields) {
			return before, nil // its age counts from the first read
		}
		before = after
	}
	return nil, &credential.Error{Kind: credential.Unavailable, GUID: guid, Reason: errChanges.Error(), Cause: errChanges}
}
