package cache

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// Ask says which answer a caller wants.
type Ask struct {
	// Fresh asks for a read that begins after the request. There is at most one such read of
	// a GUID a second, and all callers that wait share it (section 3, refresh). False: the
	// answer may be as old as the TTL.
	Fresh bool
	// Rejected tells whether a server has rejected the credential. If so, it is read again,
	// at most once a second (section 3, rejected). Nil: no credential has been rejected.
	Rejected func(*credential.Credential) bool
	// LastGood accepts a stale answer up to [LastGoodAge] while a store is down or slow, even
	// if StaleIfError is shorter. It is for callers that treat a failure as an empty value.
	LastGood bool
	// NotStale refuses a stale answer while a store is down or slow: the caller gets the
	// failure.
	NotStale bool
}

// Answer is a credential and where it came from.
type Answer struct {
	*credential.Credential

	// Stale is the reason for a stale answer: the failure of a store, or that the credential
	// changed while it was read. Nil: the answer is not stale.
	Stale error
	// BecameStale tells that this credential is served stale for the first time.
	BecameStale bool
	// State says what the cache had. It is also set for a failure.
	State State
	// Waited tells that the request waited for a store before it got a stale answer.
	Waited bool
	// Memo keeps encodings of the credential. Nil: none are kept.
	Memo *Memo
}

// Handler is a resolver with a cache in front of it. It is safe for concurrent use.
type Handler struct {
	cache     *Cache
	next      Next
	timeout   time.Duration // of one resolution
	reads     *flight.Group[string, result]
	refreshes *flight.Group[string, result] // of requests with Ask.Fresh; each uses reads
	observers []Observer
}

// Observer is told what the cache does in the background. It is called from several
// goroutines at once.
type Observer interface {
	// Refreshing reports the beginning of a background refresh. It returns the context of the
	// refresh: ctx, or one with further values.
	Refreshing(ctx context.Context, guid string) context.Context
	// Refreshed reports the end of a background refresh. Its error is nil or a
	// [*credential.Error].
	Refreshed(ctx context.Context, guid string, took time.Duration, err error)
}

// Next resolves credentials without a cache of them.
type Next interface {
	// ResolveSince resolves a credential from parts that were read at since or later; zero:
	// at any time. ctx has the deadline. Its error is an [*credential.Error].
	ResolveSince(ctx context.Context, guid string, since time.Time) (*credential.Credential, error)
	// List returns the GUIDs of all credentials.
	List(ctx context.Context) ([]string, error)
	// Close ends all resolutions and waits for them.
	Close()
}

// Over returns a handler with the cache in front of next. timeout limits one resolution.
// Observers are told of background refreshes.
func (c *Cache) Over(next Next, timeout time.Duration, observers ...Observer) *Handler {
	h := &Handler{
		cache: c, next: next, timeout: timeout, observers: observers,
		reads:     flight.New[string, result](c.opts.Now, timeout, 0),
		refreshes: flight.New[string, result](c.opts.Now, timeout, refreshSpacing),
	}
	if len(c.stillRestored()) > 0 {
		h.reads.Go(h.refreshRestored)
	}
	return h
}

// Close ends all reads and waits for them. The cache keeps its entries.
func (h *Handler) Close() {
	h.refreshes.Close()
	h.reads.Close()
	h.next.Close()
}

// List returns the GUIDs of all credentials; see [Next].
func (h *Handler) List(ctx context.Context) ([]string, error) { return h.next.List(ctx) }

// requestSlack is how much longer a request may take than a resolution. It lets the
// resolution report what it waited for, even on a busy machine.
const requestSlack = time.Second

// Resolve returns the finished credential of a GUID (section 4), which the caller has checked
// with [credential.ValidGUID]. The answer is at most as old as the TTL, unless a store is down
// or slow. A request takes at most the timeout of one
// resolution plus one second, because it may join a read that is already in progress. Its
// error is an [*credential.Error].
func (h *Handler) Resolve(ctx context.Context, guid string, ask Ask) (Answer, error) {
	now := h.cache.opts.Now()
	var (
		answer Answer
		err    error
		ok     bool
	)
	if !ask.Fresh {
		answer, err, ok = h.fromCache(guid, now, ask)
		if ok && (err != nil || !rejected(answer, now, ask)) {
			return answer, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, h.timeout+requestSlack)
	defer cancel()
	switch {
	case ask.Fresh:
		return h.answer(guid, ask, h.refresh(limited, guid, now))
	case ok:
		return h.readRejected(limited, guid, now, ask, answer)
	}
	answer, err = h.answer(guid, ask, h.readOrRestored(limited, guid, now, ask))
	switch {
	case err == nil && rejected(answer, now, ask):
		return h.readRejected(limited, guid, now, ask, answer)
	case err != nil && credential.IsOutage(err) && ctx.Err() == nil: // otherwise the caller has left
		return h.lastGood(guid, now, ask, err)
	}
	return answer, err
}

// answer turns the result of a read into an answer.
func (h *Handler) answer(guid string, ask Ask, got result) (Answer, error) {
	if got.err != nil {
		return Answer{State: Miss}, asError(guid, got.err)
	}
	if ask.LastGood {
		h.cache.keepLastGood(guid, got)
	}
	return Answer{Credential: got.credential, State: Miss}, nil
}

// fromCache answers from the cache, if the entry is fresh, a cached failure, or may be served
// stale during an outage. It starts a background refresh if one is due (prefetch). False: the
// caller has to read the credential.
func (h *Handler) fromCache(guid string, now time.Time, ask Ask) (Answer, error, bool) {
	o := &h.cache.opts
	kept, failure := h.cache.get(guid, now, time.Time{})
	switch {
	case failure.err != nil:
		return Answer{State: Negative}, failure.err, true
	case kept == nil, o.TTL <= 0:
		return Answer{}, nil, false
	case now.Sub(kept.credential.ReadAt) < o.TTL:
		if ask.LastGood && !kept.lastGood.Load() {
			h.cache.keepLastGood(guid, result{credential: kept.credential, began: kept.began})
		}
		if !now.Before(kept.refreshAt) {
			h.refreshInBackground(guid, kept, now)
		}
		return Answer{Credential: kept.credential, Memo: &kept.memo, State: Hit}, nil, true
	}
	outage := h.outage(guid, kept, now)
	if outage == nil {
		return Answer{}, nil, false
	}
	// The last refresh failed. The next attempt runs in the background, so no request waits for it.
	answer, ok := h.stale(kept, now, ask, outage)
	if ok {
		h.refreshInBackground(guid, kept, now)
	}
	return answer, nil, ok
}

// rejected tells whether a credential has to be read again because a server rejected it. A
// credential that was read less than rejectedPause ago is not.
func rejected(answer Answer, now time.Time, ask Ask) bool {
	return ask.Rejected != nil && now.Sub(answer.ReadAt) >= rejectedPause && ask.Rejected(answer.Credential)
}

// readRejected reads a rejected credential again. All callers that report the same credential
// share any later read. While a store is down, they get the credential that they have.
//
// A credential that was read for this request may have an old part, a cached secret. Its
// newest part is then as new as the clock, and no read begins later than that for a moment.
// So the next read need only be newer than the request.
func (h *Handler) readRejected(ctx context.Context, guid string, now time.Time, ask Ask, answer Answer) (Answer, error) {
	since := answer.NewestAt.Add(1)
	if since.After(now) {
		since = now
	}
	got := h.readWhen(ctx, guid, since, func() bool {
		kept, _ := h.cache.get(guid, now, time.Time{})
		return kept == nil || kept.credential != answer.Credential || kept.mayReject(now)
	})
	again, err := h.answer(guid, ask, got)
	if err != nil && (errors.Is(err, flight.ErrNotBegun) || credential.IsOutage(err)) {
		return answer, nil
	}
	return again, err
}

// asError turns an error that did not come from the resolver into an [*credential.Error]: the
// time of the caller is up, or the handler is being closed.
func asError(guid string, err error) error {
	var e *credential.Error
	if errors.As(err, &e) {
		return err
	}
	kind := credential.KindOf(err)
	return &credential.Error{Kind: kind, GUID: guid, Reason: requestReason(kind), Cause: err}
}

func requestReason(kind credential.Kind) string {
	switch kind {
	case credential.Timeout:
		return "it was not resolved in time"
	case credential.Internal:
		return credential.ReasonInternal
	default:
		return "the request was canceled"
	}
}
