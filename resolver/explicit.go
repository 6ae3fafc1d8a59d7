package resolver

import (
	"context"
	"sync"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// explicit resolves a config with explicit references (section 10). It looks at nothing else,
// and it asks for no secret unless all of them are allowed.
func (f *fetcher) explicit(ctx context.Context, t credential.Template) (credential.Object, error) {
	found, err := f.find(ctx, t.References)
	if err != nil {
		return credential.Object{}, err
	}
	return t.Fill(found)
}

// locateAll returns the secret of each reference, and the first reference to each secret. It
// fails as locate does, or if there are too many secrets.
func (f *fetcher) locateAll(refs []*credential.ExplicitReference) ([]secretAt, map[secretAt]*credential.ExplicitReference, error) {
	at := make([]secretAt, len(refs))
	askers := map[secretAt]*credential.ExplicitReference{}
	for i, ref := range refs {
		var err error
		if at[i], err = f.locate(ref); err != nil {
			return nil, nil, err
		}
		if askers[at[i]] == nil {
			askers[at[i]] = ref
		}
		if err := f.r.mayAskFor(len(askers)); err != nil {
			return nil, nil, err
		}
	}
	return at, askers, nil
}

// find fetches the secrets of the references, each distinct one once.
func (f *fetcher) find(ctx context.Context, refs []*credential.ExplicitReference) (credential.Found, error) {
	at, askers, err := f.locateAll(refs)
	if err != nil {
		return nil, err
	}
	secrets, err := f.fetchReferences(ctx, askers)
	if err != nil {
		return nil, err
	}
	entries := make(map[secretAt]*credential.SecretEntries, len(secrets))
	for at, secret := range secrets {
		entries[at] = credential.EntriesOfSecret(secret)
	}
	found := make(credential.Found, len(refs))
	for i, ref := range refs {
		found[ref] = entries[at[i]]
	}
	return found, nil
}

// fetchReferences fetches secrets in parallel. askers holds, for each secret, the reference
// that errors name.
func (f *fetcher) fetchReferences(ctx context.Context, askers map[secretAt]*credential.ExplicitReference) (map[secretAt]credential.Secret, error) {
	var mu sync.Mutex
	secrets := make(map[secretAt]credential.Secret, len(askers))
	reads, ctx := newFetchGroup(ctx)
	for at, asker := range askers {
		reads.begin(func() error {
			secret, err := f.in(at.from).anySecret(ctx, at.id)
			mu.Lock()
			defer mu.Unlock()
			secrets[at] = secret
			return asker.InField(err)
		})
	}
	err := reads.wait()
	return secrets, err
}

// secretAt is a secret in one store.
type secretAt struct {
	from *source
	id   cache.SecretID
}

// locate returns the secret that a reference means. It fails if the store does not exist,
// cannot have a secret of that name or version, or may not be asked for it.
func (f *fetcher) locate(ref *credential.ExplicitReference) (secretAt, error) {
	from := f.from
	if ref.Store != "" {
		from = f.r.named[ref.Store]
	}
	switch {
	case from == nil && ref.Store != "":
		return secretAt{}, credential.Precondition(ref.Subject()+" names a store that is not in the Component's secretStores", nil)
	case from == nil:
		return secretAt{}, credential.Precondition(ref.Subject()+" names no store, and the Component has no secretStore", nil)
	case !from.naming.valid(ref.Name):
		return secretAt{}, credential.InvalidName(ref.Subject()+" refers to", ref.Name)
	case !from.allowed(ref.Name):
		return secretAt{}, f.notAllowed(ref.Name, ref.Subject()+" asks for a secret")
	}
	if err := from.checkVersion(ref.Version); err != nil {
		return secretAt{}, credential.Precondition(ref.Subject()+` has a "secretKeyRef" with a "version": `+err.Error(), nil)
	}
	return secretAt{from, cache.SecretID{Name: ref.Name, Version: ref.Version}}, nil
}
