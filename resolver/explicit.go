package resolver

import (
	"context"
	"sync"

	"credential-resolver/resolver/credential"
)

// explicit resolves a config whose references are explicit (section 10): nothing else
// is looked at, and nothing is asked for unless all of it may be.
func (f *fetcher) explicit(ctx context.Context, t credential.Template) (credential.Object, error) {
	found, err := f.find(ctx, t.References)
	if err != nil {
		return credential.Object{}, err
	}
	return t.Fill(found)
}

// find fetches the secrets of references, each distinct one once.
func (f *fetcher) find(ctx context.Context, refs []*credential.ExplicitReference) (credential.Found, error) {
	at := make([]secretAt, len(refs))
	askers := map[secretAt]*credential.ExplicitReference{} // the first one of each
	for i, ref := range refs {
		var err error
		if at[i], err = f.locate(ref); err != nil {
			return nil, err
		}
		if askers[at[i]] == nil {
			askers[at[i]] = ref
		}
		if err := f.r.mayAskFor(len(askers)); err != nil {
			return nil, err
		}
	}
	secrets, err := f.fetch(ctx, askers)
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

// fetch fetches secrets, for those who ask for them.
func (f *fetcher) fetch(ctx context.Context, askers map[secretAt]*credential.ExplicitReference) (map[secretAt]credential.Secret, error) {
	var mu sync.Mutex
	secrets := make(map[secretAt]credential.Secret, len(askers))
	reads, ctx := newFetching(ctx)
	for at, asker := range askers {
		reads.begin(func() error {
			secret, err := f.in(at.from).anySecret(ctx, at.name)
			mu.Lock()
			defer mu.Unlock()
			secrets[at] = secret
			return asker.InField(err)
		})
	}
	err := reads.wait()
	return secrets, err
}
