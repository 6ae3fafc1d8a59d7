package cache

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// Ask says what answer is wanted.
type Ask struct {
	// Fresh wants one whose reading began after the request was made. At most one
	// reading a second is made for that, which all share who wait for it (section 3,
	// refresh). False: one that is not older than the cache's TTL.
	Fresh bool
	// Rejected tells whether a credential is one that has been rejected where it was
	// used: then it is read again, once a second at the most (section 3, rejected).
	// Nil: none has been.
	Rejected func(*credential.Credential) bool
	// LastGood takes the last good one while a store is down or slow, whatever
	// StaleIfError says: for a caller to whom a failure is as an empty value.
	LastGood bool
	// NotStale takes no last good one while a store is down or slow: that is a failure then.
	NotStale bool
}

// Answer is a credential and how it was come by.
type Answer struct {
	*credential.Credential

	// Stale is why the credential is the last good one and not a new one: the failure
	// of a store, or that the credential changes while it is being read. Nil: it is not stale.
	Stale error
	// BecameStale tells that it is the first time that this one is given for that.
	BecameStale bool
	// FromCache tells that nobody waited for a store.
	FromCache bool
	// Memo keeps what is made of the credential. Nil: nothing is kept.
	Memo *Memo
}

// Cached is a resolver with a cache before it. It is safe for concurrent use.
type Handler struct {
	cache     *Cache
	next      Next
	timeout   time.Duration // of one resolution
	reads     *flight.Group[string, reading]
	refreshes *flight.Group[string, reading] // readings of flights that were asked for fresh
	observers []Observer
}

// Observer is told of what the cache does beside the requests. It is called from several
// goroutines at once.
type Observer interface {
	// Refreshed reports the end of a background refresh. Its error is nil or an [*Error].
	Refreshed(ctx context.Context, guid string, took time.Duration, err error)
}

// Next resolves credentials without a cache of them.
type Next interface {
	// ResolveSince resolves a credential of parts that were read at since or later; zero:
	// at any time. Its error is an [*Error].
	ResolveSince(ctx context.Context, guid string, since time.Time) (*credential.Credential, error)
	// List returns the GUIDs of all credentials.
	List(ctx context.Context) ([]string, error)
	// Close ends the resolutions that are under way, and waits for them.
	Close()
}

// Over returns a resolver with the cache in front of it. One resolution of next takes
// timeout at most. Observers are told of background refreshes.
func (c *Cache) Over(next Next, timeout time.Duration, observers ...Observer) *Handler {
	over := &Handler{
		cache: c, next: next, timeout: timeout, observers: observers,
		// The resolver keeps its own time; this is for its end.
		reads:     flight.New[string, reading](c.opts.Now, timeout+requestSlack, 0),
		refreshes: flight.New[string, reading](c.opts.Now, timeout+requestSlack, refreshSpacing),
	}
	if len(c.stillRestored()) > 0 {
		over.reads.Go(over.refreshRestored)
	}
	return over
}

// Close ends the readings that are under way, and waits for them. What is cached
// stays.
func (c *Handler) Close() {
	c.refreshes.Close()
	c.reads.Close()
	c.next.Close()
}

// List returns the GUIDs of all credentials; see [Resolver.List].
func (c *Handler) List(ctx context.Context) ([]string, error) { return c.next.List(ctx) }

// lateness is how much longer than a resolution a request may take: one that runs out of
// time says what it waited for, also on a machine that is busy.
const requestSlack = time.Second

// Resolve returns the finished credential of a GUID, by section 4, and not older than
// the cache's TTL unless a store is down or slow. It takes as long as the resolver's
// Timeout allows, and a second more where it waits for what others began. Its error is an [*Error].
func (c *Handler) Resolve(ctx context.Context, guid string, ask Ask) (Answer, error) {
	now := c.cache.opts.Now()
	var (
		answer Answer
		err    error
		ok     bool
	)
	if !ask.Fresh {
		answer, err, ok = c.fromCache(guid, now, ask)
		if ok && (err != nil || !rejected(answer, now, ask)) {
			return answer, err
		}
	}
	if !credential.ValidGUID(guid) {
		_, err := c.next.ResolveSince(ctx, guid, time.Time{})
		return Answer{}, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout+requestSlack)
	defer cancel()
	switch {
	case ask.Fresh:
		return c.answer(guid, ask, c.refresh(limited, guid, now))
	case ok:
		return c.readRejected(limited, guid, now, ask, answer)
	}
	answer, err = c.answer(guid, ask, c.readPatiently(limited, guid, now, ask))
	switch {
	case err == nil && rejected(answer, now, ask):
		return c.readRejected(limited, guid, now, ask, answer)
	case err != nil && isDown(err) && ctx.Err() == nil: // else it is the caller who left
		return c.lastGood(guid, now, ask, err)
	}
	return answer, err
}

// answer is what a reading answers.
func (c *Handler) answer(guid string, ask Ask, got reading) (Answer, error) {
	if got.err != nil {
		return Answer{}, asError(guid, got.err)
	}
	if ask.LastGood {
		c.cache.keepLastGood(guid, got)
	}
	return Answer{Credential: got.credential}, nil
}

// fromCache answers from what is kept, if that is good enough, and has it renewed if
// its time is nearly up.
func (c *Handler) fromCache(guid string, now time.Time, ask Ask) (Answer, error, bool) {
	o := &c.cache.opts
	kept, failure := c.cache.get(guid, now, time.Time{})
	switch {
	case failure.err != nil:
		return Answer{}, failure.err, true
	case kept == nil, o.TTL <= 0:
		return Answer{}, nil, false
	case now.Sub(kept.credential.ReadAt) < o.TTL:
		if ask.LastGood && !kept.lastGood.Load() {
			c.cache.keepLastGood(guid, reading{credential: kept.credential, began: kept.began})
		}
		if !now.Before(kept.renewAt) {
			c.renew(guid, kept, now)
		}
		return Answer{Credential: kept.credential, Memo: &kept.memo, FromCache: true}, nil, true
	}
	outage := c.outage(guid, kept, now)
	if outage == nil {
		return Answer{}, nil, false
	}
	// It could not be renewed. To try again is not for those who ask to wait for.
	answer, ok := c.stale(kept, now, ask, outage)
	if ok {
		answer.FromCache = true
		c.renew(guid, kept, now)
	}
	return answer, nil, ok
}

// rejected tells whether a credential that was not read just now is to be read again.
func rejected(answer Answer, now time.Time, ask Ask) bool {
	return ask.Rejected != nil && now.Sub(answer.ReadAt) >= rejectedPause && ask.Rejected(answer.Credential)
}

// readRejected reads a credential again that has been rejected. All who report the same
// one are content with any reading after it; while a store is down, with the credential
// that they would get without a word.
func (c *Handler) readRejected(ctx context.Context, guid string, now time.Time, ask Ask, answer Answer) (Answer, error) {
	since := answer.NewestAt.Add(1)
	got := c.readIf(ctx, guid, since, func() bool {
		kept, _ := c.cache.get(guid, now, time.Time{})
		return kept == nil || kept.credential != answer.Credential || kept.mayReject(now)
	})
	again, err := c.answer(guid, ask, got)
	if err != nil && (errors.Is(err, flight.ErrNotBegun) || credential.KindOf(err).Retryable()) {
		return answer, nil
	}
	return again, err
}

// asError makes the error of a request of one that is none of the resolver's own: the
// caller's time is up, or all is being closed.
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
		return "the request was given up"
	}
}
