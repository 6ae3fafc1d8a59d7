package resolver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// maxLookups is how many secrets one resolution reads in parallel (section 4, step 5).
const maxLookups = 8

// fetcher fetches the secrets of one credential.
type fetcher struct {
	r          *Resolver
	from       *source
	guid       string
	config     *credential.Config
	since      time.Time                                                       // cached parts from before are not used; zero: any may be
	lookups    *semaphore.Weighted                                             // limits the parallel reads of secrets
	prefetch   map[cache.SecretID]*flight.Call[cache.Dated[credential.Secret]] // reads of secrets of from that have begun already
	provenance *provenance
}

// in returns a fetcher for the same credential and another store.
func (f *fetcher) in(from *source) *fetcher {
	if from == f.from {
		return f
	}
	other := *f
	other.from, other.prefetch = from, nil
	return &other
}

// recordSecret records that a secret exists.
func (f *fetcher) recordSecret(id cache.SecretID) {
	f.from.known.add(id.Name)
	f.provenance.addSecret(f.from, id)
}

// credential returns the finished credential with these fields. Its age is that of its parts.
func (f *fetcher) credential(fields credential.Object) *credential.Credential {
	return &credential.Credential{
		GUID: f.guid, Fields: fields, ReadAt: f.provenance.oldest, NewestAt: f.provenance.newest,
		Provenance: f.provenance.made,
	}
}

// checkAllowed fails if allowedSecrets does not allow the secret of a multi-key credential. asker
// says in the error what in the config asks for it.
func (f *fetcher) checkAllowed(name, asker string) error {
	if !f.mayAsk(name) {
		return f.notAllowed(name, asker)
	}
	return nil
}

// toLookUp returns the names that a single-key credential asks for, and those that are not
// allowed, each distinct one once. It fails unless all of them are allowed, or DeniedIsLiteral
// is set.
func (f *fetcher) toLookUp(names []string) (distinct, denied []string, err error) {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		switch {
		case f.mayAsk(name):
			distinct = append(distinct, name)
		case f.r.opts.DeniedIsLiteral:
			denied = append(denied, name)
		default:
			return nil, nil, f.notAllowed(name, f.askedBy(name))
		}
		// The check is inside the loop, because it is slow to match many names with many
		// patterns.
		if err := f.r.mayAskFor(len(distinct)); err != nil {
			return nil, nil, err
		}
	}
	return distinct, denied, nil
}

// lookedUp are the secrets of a single-key credential. A missing secret has no entries; any other
// has at least one that is not empty.
type lookedUp struct {
	secrets []credential.Secret
	indices map[string]int32 // by name
}

// of returns the secret of a name.
func (l lookedUp) of(name string) credential.Secret {
	if i, ok := l.indices[name]; ok {
		return l.secrets[i]
	}
	return credential.Secret{}
}

// fetchAll fetches the secrets of a single-key credential in parallel, each distinct one once.
// It asks for no secret if toLookUp fails.
func (f *fetcher) fetchAll(ctx context.Context, names []string) (lookedUp, error) {
	distinct, denied, err := f.toLookUp(names)
	if err != nil {
		return lookedUp{}, err
	}
	n := len(distinct) + len(denied)
	secrets, uses := make([]credential.Secret, n), f.provenance.uses(n)
	for i, name := range denied {
		uses[len(distinct)+i] = f.from.useOf(cache.SecretID{Name: name}, time.Time{}, credential.SecretNotAllowed)
	}
	reads, ctx := newFetchGroup(ctx)
	for i, name := range distinct {
		reads.begin(func() (err error) {
			secrets[i], err = f.lookUpSecret(ctx, name, &uses[i])
			return err
		})
	}
	if err := reads.wait(); err != nil {
		return lookedUp{}, err
	}
	indices := make(map[string]int32, n)
	for i, use := range uses {
		indices[string(use.Name)] = int32(i)
	}
	return lookedUp{secrets, indices}, nil
}

// mayAskFor refuses a credential that may ask for more than MaxSecrets distinct secrets.
// Values that are known to be literals count too, so that the result does not depend on the
// cache.
func (r *Resolver) mayAskFor(secrets int) error {
	if secrets <= r.opts.MaxSecrets {
		return nil
	}
	return credential.Precondition(fmt.Sprintf("it may ask for more than %d secrets (metadata maxSecrets): raise maxSecrets, "+
		`or mark its references with "lookupFields" or as explicit references`, r.opts.MaxSecrets), nil)
}

// lookUpSecret fetches the secret that a value of the config may name. A value that is known
// to be a literal is not looked up again for a while, unless it names a known secret.
func (f *fetcher) lookUpSecret(ctx context.Context, name string, use *credential.SecretUse) (credential.Secret, error) {
	value := cache.Literal{Config: f.config.Sum(), Value: name}
	if at, ok := f.from.cache.LiteralSince(value, f.since); ok && !f.from.known.has(name) {
		*use = f.from.useOf(cache.SecretID{Name: name}, at, credential.SecretKnownLiteral)
		return credential.Secret{}, nil
	}
	began := f.r.opts.Cache.Now()
	secret, err := f.secret(ctx, name, use)
	switch {
	case f.refusedLiteral(name, err): // not cached, because the permissions may change soon
		*use = f.from.useOf(cache.SecretID{Name: name}, began, credential.SecretRefused)
		return credential.Secret{}, nil
	case err == nil && secret.Len() == 0:
		f.provenance.addLiteral(value, began)
	}
	return secret, err
}

// refusedLiteral tells whether a looked-up value counts as a literal because the store
// refused it (deniedProbe). A known secret does not (section 4, step 8). Neither does any
// value if the store refuses all our requests: with the other secrets from the cache, a
// reference could then be answered as a password.
func (f *fetcher) refusedLiteral(name string, err error) bool {
	var refusal *credential.StoreError
	return f.r.opts.DeniedIsLiteral && credential.KindOf(err) == credential.Denied &&
		errors.As(err, &refusal) && !refusal.General && !f.from.known.has(name)
}

// mayAsk tells whether a secret may be asked for (section 2, allowedSecrets). A name that the
// store cannot have needs no permission, because it is never sent.
func (f *fetcher) mayAsk(name string) bool {
	return f.from.allowed(name) || !f.from.naming.valid(name)
}

func (f *fetcher) notAllowed(name, asker string) *credential.Error {
	return &credential.Error{
		Kind: credential.Denied, GUID: f.guid, Reason: asker + " that metadata allowedSecrets does not allow",
		Reference: credential.Reference(name),
	}
}
