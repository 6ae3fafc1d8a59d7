package component

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/resolver"
)

const (
	// maxDependents bounds how many credentials are kept; the longest unrenewed go
	// first.
	maxDependents = 1000
	// maxAge is how long a credential is answered after it was last resolved.
	maxAge = time.Hour
)

// dependents keeps the last good credential of each GUID that daprd asked for
// itself: for a component with a secretKeyRef to it. daprd asks again every minute,
// takes a failure for an empty value, and initialises a healthy component anew with
// it. So it gets the last good one while a store is down; an application, which can
// tell a failure from a value, gets the failure.
type dependents struct {
	now  func() time.Time
	mu   sync.Mutex
	kept *simplelru.LRU[string, dated] // in the order in which they were resolved
}

// dated is a credential, and when it was resolved.
type dated struct {
	credential *resolver.Credential
	at         time.Time
}

func newDependents(now func() time.Time) *dependents {
	kept, err := simplelru.NewLRU[string, dated](maxDependents, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &dependents{now: now, kept: kept}
}

// keep takes a credential that was just resolved. One that daprd did not ask for
// only renews: applications' credentials are not kept.
func (d *dependents) keep(credential *resolver.Credential, daprds bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire()
	if daprds || d.kept.Contains(credential.GUID) {
		d.kept.Add(credential.GUID, dated{credential, d.now()})
	}
}

// forget drops a credential that is no longer what it was.
func (d *dependents) forget(guid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept.Remove(guid)
}

// last returns the last good credential and its age, if one is kept.
func (d *dependents) last(guid string) (credential *resolver.Credential, age time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire()
	found, ok := d.kept.Peek(guid)
	return found.credential, d.now().Sub(found.at), ok
}

// expire drops what is too old to be answered: no secret is kept for nothing.
func (d *dependents) expire() {
	for {
		_, oldest, ok := d.kept.GetOldest()
		if !ok || d.now().Sub(oldest.at) <= maxAge {
			return
		}
		d.kept.RemoveOldest()
	}
}

// resolve resolves a credential. daprd's own request is answered with the last good
// one if that fails because a store is down or slow; any other failure says that it
// is good no longer.
func (s *SecretStore) resolve(ctx context.Context, guid string, daprds bool) (*resolver.Credential, error) {
	credential, err := s.resolver.Resolve(ctx, guid)
	switch {
	case err == nil:
		s.dependents.keep(credential, daprds)
		return credential, nil
	case !resolver.KindOf(err).Retryable():
		s.dependents.forget(guid)
		return nil, err
	case !daprds:
		return nil, err
	}
	last, age, ok := s.dependents.last(guid)
	if !ok {
		return nil, err
	}
	s.report.stale(err, age)
	return last, nil
}
