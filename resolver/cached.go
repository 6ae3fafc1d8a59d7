package resolver

import (
	"context"
	"errors"
	"time"
)

// Ask says what answer is wanted.
type Ask struct {
	// Fresh wants one whose reading began after the request was made (section 3,
	// refresh). False: one that is not older than the cache's TTL.
	Fresh bool
	// Rejected tells whether a credential is one that has been rejected where it was
	// used: then it is read again, once a second at the most (section 3, rejected).
	// Nil: none has been.
	Rejected func(*Credential) bool
	// LastGood takes the last good one while a store is down or slow, whatever
	// StaleIfError says: for a caller to whom a failure is as an empty value.
	LastGood bool
}

// Answer is a credential and how it was come by.
type Answer struct {
	*Credential

	// Stale is why the credential is the last good one and not a new one: the failure
	// of a store. Nil: it is not stale.
	Stale error
	// BecameStale tells that it is the first time that this one is given for that.
	BecameStale bool
	// FromCache tells that nobody waited for a store.
	FromCache bool
}

// Cached is a resolver with a cache before it. It is safe for concurrent use.
type Cached struct {
	cache   *Cache
	next    *Resolver
	flights *flights[string, *Credential]
}

// Over returns a resolver with the cache before it.
func (c *Cache) Over(next *Resolver) *Cached {
	return &Cached{
		cache: c, next: next,
		// The resolver keeps its own time, which is the same; this one is for its end.
		flights: newFlights[string, *Credential](c.opts.Now, next.opts.Timeout+time.Second),
	}
}

// Close ends the readings that are under way, and waits for them. What is cached
// stays.
func (c *Cached) Close() {
	c.flights.close()
	c.next.Close()
}

// List returns the GUIDs of all credentials; see [Resolver.List].
func (c *Cached) List(ctx context.Context) ([]string, error) { return c.next.List(ctx) }

// Resolve returns the finished credential of a GUID, by section 4, and not older than
// the cache's TTL unless a store is down or slow. Its error is an [*Error].
func (c *Cached) Resolve(ctx context.Context, guid string, ask Ask) (Answer, error) {
	now := c.cache.opts.Now()
	if ask.Fresh {
		return c.resolve(ctx, guid, ask, now, now)
	}
	answer, err := c.resolve(ctx, guid, ask, now, time.Time{})
	if err != nil || ask.Rejected == nil || now.Sub(answer.ReadAt) < rejectedPause || !ask.Rejected(answer.Credential) {
		return answer, err
	}
	// All who report the same one are content with any reading after it.
	return c.resolve(ctx, guid, ask, now, answer.newestAt.Add(1))
}

// rejectedPause is how old a credential must be to be read again since it was rejected.
const rejectedPause = time.Second

// resolve resolves a credential whose reading began at since or later; zero: any that
// is good enough.
func (c *Cached) resolve(ctx context.Context, guid string, ask Ask, now, since time.Time) (Answer, error) {
	if kept, ok := c.cache.entries.GetIfPresent(guid); ok && !kept.at.Before(since) {
		if answer, err, ok := c.fromCache(guid, kept, now, ask); ok {
			return answer, err
		}
	}
	if !ValidGUID(guid) {
		_, err := c.next.Resolve(ctx, guid)
		return Answer{}, err
	}
	credential, err := c.read(ctx, guid, ask, since)
	if err == nil {
		return Answer{Credential: credential}, nil
	}
	err = asError(guid, err)
	if kept, ok := c.cache.entries.GetIfPresent(guid); ok && since.IsZero() && KindOf(err).Retryable() {
		if answer, ok := c.stale(kept, now, ask, err); ok {
			return answer, nil
		}
	}
	return Answer{}, err
}

// fromCache answers from what is kept, if that is good enough, and has it renewed if
// its time is nearly up.
func (c *Cached) fromCache(guid string, kept *entry, now time.Time, ask Ask) (Answer, error, bool) {
	o := &c.cache.opts
	switch {
	case kept.good(o, now):
		if kept.err == nil && !now.Before(kept.renewAt) {
			c.renew(guid, kept, now, ask)
		}
		return Answer{Credential: kept.credential, FromCache: true}, kept.err, true
	case o.TTL <= 0, kept.failing.Load() == 0:
		return Answer{}, nil, false
	}
	// It could not be renewed. To try again is not for those who ask to wait for.
	answer, ok := c.stale(kept, now, ask, errStale(guid))
	if ok {
		answer.FromCache = true
		c.renew(guid, kept, now, ask)
	}
	return answer, nil, ok
}

// stale answers with the last good credential, if it may still be given.
func (c *Cached) stale(kept *entry, now time.Time, ask Ask, failure error) (Answer, bool) {
	allowed := c.cache.opts.staleness(ask.LastGood)
	if kept.credential == nil || allowed == 0 || now.Sub(kept.at) > allowed {
		return Answer{}, false
	}
	return Answer{Credential: kept.credential, Stale: failure, BecameStale: kept.stale.CompareAndSwap(false, true)}, true
}

// renew begins a reading that nobody waits for, once at a time and, after one that
// failed, not at once.
func (c *Cached) renew(guid string, kept *entry, now time.Time, ask Ask) {
	if now.UnixNano() < kept.failing.Load() || !kept.renewing.CompareAndSwap(false, true) {
		return
	}
	if _, err := c.flights.join(guid, time.Time{}, c.reading(guid, ask.LastGood, false)); err != nil {
		kept.renewing.Store(false) // all is being closed; the cache stays
	}
}

// read reads a credential, with all who ask for it meanwhile.
func (c *Cached) read(ctx context.Context, guid string, ask Ask, since time.Time) (*Credential, error) {
	read := c.reading(guid, ask.LastGood, !since.IsZero())
	for {
		credential, err := c.flights.do(ctx, guid, since, func(ctx context.Context, began time.Time) (*Credential, error) {
			// Who missed the cache while another filled it does not read again.
			if kept, ok := c.cache.entries.GetIfPresent(guid); ok && !kept.at.Before(since) {
				if kept.good(&c.cache.opts, began) {
					return kept.credential, kept.err
				}
			}
			return read(ctx, began)
		})
		if err != nil || !credential.ReadAt.Before(since) { // else it was one of those, for who asks for less
			return credential, err
		}
	}
}

// reading returns what reads a credential and keeps what it brings. Of secrets it
// takes those that are kept for other credentials, unless it must be fresh.
func (c *Cached) reading(guid string, lastGood, fresh bool) func(context.Context, time.Time) (*Credential, error) {
	return func(ctx context.Context, began time.Time) (credential *Credential, err error) {
		switch {
		case c.cache.opts.Consistent:
			credential, err = c.consistent(ctx, guid)
		case fresh:
			credential, err = c.next.ResolveSince(ctx, guid, began)
		default:
			credential, err = c.next.Resolve(ctx, guid)
		}
		c.cache.keep(guid, credential, err, lastGood)
		return credential, err
	}
}

// maxRereads is how often a credential is read again to see that nothing has changed.
const maxRereads = 2

// consistent reads a credential until two readings, one after the other, are alike:
// then none of its parts changed between the first and the last of them.
func (c *Cached) consistent(ctx context.Context, guid string) (*Credential, error) {
	before, err := c.next.ResolveSince(ctx, guid, c.cache.opts.Now())
	for range maxRereads {
		if err != nil {
			return nil, err
		}
		var after *Credential
		if after, err = c.next.ResolveSince(ctx, guid, c.cache.opts.Now()); err != nil {
			return nil, err
		}
		if after.Fields.equal(before.Fields) {
			return before, nil // whose age counts from the first reading
		}
		before = after
	}
	return nil, &Error{Kind: Unavailable, GUID: guid, Reason: "it changes while it is being read"}
}

// asError makes the error of a request of one that is none of the resolver's own: the
// caller's time is up, or all is being closed.
func asError(guid string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	kind := KindOf(err)
	return &Error{Kind: kind, GUID: guid, Reason: requestReason(kind), cause: err}
}

func requestReason(kind Kind) string {
	switch kind {
	case Timeout:
		return "it was not resolved in time"
	case Internal:
		return storeReason(Internal, "")
	default:
		return "the request was given up"
	}
}

// errStale is why a stale answer is given while nobody waits for a new one.
func errStale(guid string) error {
	return &Error{Kind: Unavailable, GUID: guid, Reason: "it could not be renewed yet"}
}
