package resolver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
)

// maxLookups is how many secrets one resolution asks for at a time (section 4,
// step 5).
const maxLookups = 8

// source is one store of secrets, and what is known of it.
type source struct {
	store   SecretStore
	known   *Known
	allowed func(name string) bool
	naming  naming
	cache   *cache.Secrets
}

func newSource(secrets NamedSecrets, o Options) *source {
	s := &source{
		store: secrets.Store, known: secrets.Known, allowed: secrets.Allowed, naming: namingOf(secrets.Store),
		cache: cache.NewSecrets(o.Cache, o.Timeout),
	}
	if s.allowed == nil {
		s.allowed = o.Allowed
	}
	if s.known == nil {
		s.known = NewKnown()
	}
	return s
}

// sourceOf returns the store that a config's secrets are in; nil if it names none
// and there is no default one.
func (r *Resolver) sourceOf(config *credential.Config) (*source, error) {
	if config.SecretStore() == "" {
		return r.secrets, nil
	}
	named, ok := r.named[config.SecretStore()]
	if !ok {
		return nil, credential.Precondition(`"secretStore" of its "credential-resolver" is none of the Component's secretStores`, nil)
	}
	return named, nil
}

// fetcher fetches the secrets of one credential.
type fetcher struct {
	r          *Resolver
	from       *source
	guid       string
	config     *credential.Config
	since      time.Time                                               // nothing that was read before is taken; zero: anything that is kept
	lookups    *semaphore.Weighted                                     // those under way
	prefetch   map[string]*flight.Call[cache.Dated[credential.Secret]] // secrets of from that are being read already
	provenance *provenance
}

// in returns what fetches secrets of the same credential from another store.
func (f *fetcher) in(from *source) *fetcher {
	if from == f.from {
		return f
	}
	other := *f
	other.from, other.prefetch = from, nil
	return &other
}

// has notes that a secret is there.
func (f *fetcher) has(name string) {
	f.from.known.add(name)
	f.provenance.has(f.from, name)
}

// made is what a credential is made of so far.
type provenance struct {
	mu             sync.Mutex
	from           *source  // the store of its config
	Found          []string // the names of secrets that there are in that
	literals       []cache.Dated[cache.Literal]
	oldest, newest time.Time // when the oldest and the newest part were read, of any store
}

// has notes a secret.
func (m *provenance) has(from *source, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from == m.from {
		m.Found = append(m.Found, name)
	}
}

// hasNot notes that a value is no secret.
func (m *provenance) hasNot(value cache.Literal, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.literals = append(m.literals, cache.Dated[cache.Literal]{Value: value, At: at})
}

// add notes when a part was read.
func (m *provenance) add(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.Before(m.oldest) {
		m.oldest = at
	}
	if at.After(m.newest) {
		m.newest = at
	}
}

// credential returns the credential of these fields, as old as its parts.
func (f *fetcher) credential(fields credential.Object) *credential.Credential {
	return &credential.Credential{GUID: f.guid, Fields: fields, ReadAt: f.provenance.oldest, NewestAt: f.provenance.newest}
}

// one fetches a bundle; all and it are the only ways to a secret. who says, for
// people, what of the config asks for it.
func (f *fetcher) one(ctx context.Context, name, who string) (credential.Secret, error) {
	if !f.mayAsk(name) {
		return credential.Secret{}, f.notAllowed(name, who)
	}
	return f.secret(ctx, name)
}

// all fetches secrets, each distinct one once. A missing secret has no
// entries; of one that is there, at least one is not empty. Nothing is
// asked for unless all of it is allowed, or a refusal makes a literal.
func (f *fetcher) all(ctx context.Context, names []string) (map[string]credential.Secret, error) {
	var distinct []string
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		switch {
		case f.mayAsk(name):
			distinct = append(distinct, name)
		case !f.r.opts.DeniedIsLiteral:
			return nil, f.notAllowed(name, f.whoAsks(name))
		}
		// Here, since to match a name with a long list of patterns takes its time.
		if err := f.r.mayAskFor(len(distinct)); err != nil {
			return nil, err
		}
	}
	secrets := make([]credential.Secret, len(distinct))
	reads, ctx := newFetching(ctx)
	for i, name := range distinct {
		reads.begin(func() (err error) {
			secrets[i], err = f.lookedUp(ctx, name)
			return err
		})
	}
	if err := reads.wait(); err != nil {
		return nil, err
	}
	byName := make(map[string]credential.Secret, len(distinct))
	for i, name := range distinct {
		byName[name] = secrets[i]
	}
	return byName, nil
}

// mayAskFor refuses a credential that may ask for more distinct secrets than MaxSecrets.
// Whatever was learned of them counts as well, so that the answer is always the same.
func (r *Resolver) mayAskFor(secrets int) error {
	if secrets <= r.opts.MaxSecrets {
		return nil
	}
	return credential.Precondition(fmt.Sprintf("it may ask for more than %d secrets (metadata maxSecrets): raise that, "+
		`or say which of its values are references, by "lookupFields" or explicit ones`, r.opts.MaxSecrets), nil)
}

// lookedUp fetches the secret that a value may name. A value that has shown to be a
// literal is not asked for again for a while, unless it has been a secret elsewhere.
func (f *fetcher) lookedUp(ctx context.Context, name string) (credential.Secret, error) {
	value := cache.Literal{Config: f.config.Sum(), Value: name}
	if f.from.cache.IsLiteral(value, f.since) && !f.from.known.has(name) {
		return credential.Secret{}, nil
	}
	began := f.r.opts.Cache.Now()
	secret, err := f.secret(ctx, name)
	switch {
	case f.refusedLiteral(name, err): // which may not be for long
		return credential.Secret{}, nil
	case err == nil && secret.Len() == 0:
		f.provenance.hasNot(value, began)
	}
	return secret, err
}

// refusedLiteral tells whether a looked-up value counts as a literal because the
// store refused it. One that was a secret before is none (section 4, step 8), and a
// store that refuses us altogether says nothing of a value: with the credential's
// other secrets read a moment ago, the reference would pass for the password.
func (f *fetcher) refusedLiteral(name string, err error) bool {
	var refusal *credential.StoreError
	return f.r.opts.DeniedIsLiteral && credential.KindOf(err) == credential.Denied &&
		errors.As(err, &refusal) && !refusal.General && !f.from.known.has(name)
}

// mayAsk tells whether a secret may be asked for (section 2, allowedSecrets). A
// name that no secret of the store can have is never sent, and so needs no leave.
func (f *fetcher) mayAsk(name string) bool {
	return f.from.allowed(name) || !f.from.naming.valid(name)
}

func (f *fetcher) notAllowed(name, who string) *credential.Error {
	return &credential.Error{
		Kind: credential.Denied, GUID: f.guid, Reason: who + " that metadata allowedSecrets does not allow",
		Reference: credential.Reference(name),
	}
}
