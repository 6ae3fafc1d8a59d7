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

// recipe is what a credential was made of when it was last resolved: a config, and
// secrets of one store.
type recipe struct {
	config  [sha256.Size]byte // a hash of its text
	from    *source
	secrets []string // at most maxLookups; names that have shown to be secrets
}

// ahead reads the secrets that a credential was last made of while its config is being
// read, so that who waits for it waits for the slower of the two stores, and not for
// one after the other. What it reads is taken only if the config is still the same.
type prefetch struct {
	recipe recipe
	end    context.CancelFunc
	all    sync.WaitGroup
	reads  map[string]*flight.Call[cache.Dated[credential.Secret]]
}

// readAhead begins to read what the credential was last made of; nil if that is not
// known. Who has it stops it.
func (r *Resolver) prefetch(ctx context.Context, guid string, since time.Time, lookups *semaphore.Weighted) *prefetch {
	last, ok := r.recipes.Get(guid)
	if !ok {
		return nil
	}
	ctx, end := context.WithCancel(ctx)
	a := &prefetch{recipe: last, end: end, reads: map[string]*flight.Call[cache.Dated[credential.Secret]]{}}
	for _, name := range last.secrets {
		read := flight.NewCall(func(ctx context.Context, _ time.Time) (cache.Dated[credential.Secret], error) {
			return last.from.get(ctx, lookups, name, since)
		})
		a.reads[name] = read
		a.all.Go(func() { read.Run(ctx) })
	}
	return a
}

// stop ends what is under way, and waits for it: a reading for the cache of secrets
// goes on, for whoever asks next, as that always does. It may be called on nil, and more
// than once.
func (a *prefetch) stop() {
	if a != nil {
		a.end()
		a.all.Wait()
	}
}

// of returns what is being read of a config's secrets; none if the config is another
// one than was last seen.
func (a *prefetch) of(config *credential.Config) map[string]*flight.Call[cache.Dated[credential.Secret]] {
	if a == nil {
		return nil
	}
	if a.recipe.config != config.Sum() {
		a.stop()
		return nil
	}
	return a.reads
}

// remember keeps what a reading found out: which values of the config are no secrets,
// also if it failed for something else, so that a retry does not ask for them again; and
// of a credential that was made, which are secrets. Those of a config that has been edited
// since are no longer read ahead.
func (r *Resolver) remember(guid string, f *fetcher, failure error) {
	for _, l := range f.provenance.literals {
		f.from.cache.Learn(l.Value, l.At)
	}
	found := f.provenance.Found
	if last, ok := r.recipes.Peek(guid); ok && failure != nil && last.config != f.config.Sum() {
		r.recipes.Remove(guid)
	}
	if failure == nil && len(found) > 0 {
		r.recipes.Add(guid, recipe{f.config.Sum(), f.from, slices.Clone(found[:min(len(found), maxLookups)])})
	}
}
