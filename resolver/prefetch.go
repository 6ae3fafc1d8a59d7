package resolver

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// plan is what to prefetch for a credential: the secrets that it was last made of, and the
// config that referred to them.
type plan struct {
	config  [sha256.Size]byte // the hash of its text
	from    *source
	secrets []cache.SecretID // existing secrets, at most maxLookups
}

// prefetch reads the secrets of a credential while its config is still being read, so that
// config and secrets are read in parallel (section 4, Read ahead). Its results are used only
// if the config has not changed.
type prefetch struct {
	plan  plan
	end   context.CancelFunc
	all   sync.WaitGroup
	reads map[cache.SecretID]*flight.Call[cache.Dated[credential.Secret]]
}

// prefetch starts to read the secrets that the credential was last made of; nil if they are
// not known. The caller has to call stop.
func (r *Resolver) prefetch(ctx context.Context, guid string, since time.Time, lookups *semaphore.Weighted) *prefetch {
	last, ok := r.plans.Get(guid)
	if !ok {
		return nil
	}
	ctx, end := context.WithCancel(ctx)
	p := &prefetch{plan: last, end: end, reads: map[cache.SecretID]*flight.Call[cache.Dated[credential.Secret]]{}}
	for _, id := range last.secrets {
		read := flight.NewCall(func(ctx context.Context, _ time.Time) (cache.Dated[credential.Secret], error) {
			return last.from.get(ctx, lookups, id, since)
		})
		p.reads[id] = read
		p.all.Go(func() { read.Run(ctx) })
	}
	return p
}

// stop ends the reads and waits for them. A read that fills the cache of secrets goes on, as
// usual. Calls on nil, and repeated calls, are allowed.
func (p *prefetch) stop() {
	if p != nil {
		p.end()
		p.all.Wait()
	}
}

// of returns the reads for a config; none if the config has changed.
func (p *prefetch) of(config *credential.Config) map[cache.SecretID]*flight.Call[cache.Dated[credential.Secret]] {
	if p == nil {
		return nil
	}
	if p.plan.config != config.Sum() {
		p.stop()
		return nil
	}
	return p.reads
}

// remember stores what a resolution has learned. Values that are no secrets are stored even
// after a failure, so that a retry does not look them up again. After a success, the secrets
// become the plan for the next prefetch. After a failure, the plan of a config that has
// changed is dropped.
func (r *Resolver) remember(guid string, f *fetcher, failure error) {
	for _, l := range f.provenance.literals {
		f.from.cache.Learn(l.Value, l.At)
	}
	found := f.provenance.found
	if last, ok := r.plans.Peek(guid); ok && failure != nil && last.config != f.config.Sum() {
		r.plans.Remove(guid)
	}
	if failure == nil && len(found) > 0 {
		r.plans.Add(guid, plan{f.config.Sum(), f.from, slices.Clone(found[:min(len(found), maxLookups)])})
	}
}
