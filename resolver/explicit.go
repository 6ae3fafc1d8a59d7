package resolver

import (
	"context"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// explicit resolves a config with explicit references (section 10). It looks at nothing else,
// and it asks for no secret unless all of them are allowed.
func (f *fetcher) explicit(ctx context.Context, t credential.Template) (credential.Object, error) {
	found, secrets, err := f.find(ctx, t.References)
	if err != nil {
		return credential.Object{}, err
	}
	finished, err := t.Fill(found)
	if err == nil {
		f.provenance.made.References = t.Origins(found, secrets)
	}
	return finished, err
}

// asked is a secret that a config with explicit references asks for.
type asked struct {
	secretAt

	by *credential.ExplicitReference // the first reference to it, which errors name
}

// locateAll returns the distinct secrets of all references, in their order, and the index of the
// secret of each reference. It fails as locate does, or if there are too many secrets.
func (f *fetcher) locateAll(refs []*credential.ExplicitReference) (secrets []asked, of []int, err error) {
	of = make([]int, len(refs))
	indices := map[secretAt]int{}
	for i, ref := range refs {
		at, err := f.locate(ref)
		if err != nil {
			return nil, nil, err
		}
		index, ok := indices[at]
		if !ok {
			index = len(secrets)
			indices[at], secrets = index, append(secrets, asked{at, ref})
		}
		of[i] = index
		if err := f.r.mayAskFor(len(secrets)); err != nil {
			return nil, nil, err
		}
	}
	return secrets, of, nil
}

// find fetches the secrets of the references, each distinct one once. It also returns the index
// of the secret of each reference.
func (f *fetcher) find(ctx context.Context, refs []*credential.ExplicitReference) (credential.Found, []int, error) {
	secrets, of, err := f.locateAll(refs)
	if err != nil {
		return nil, nil, err
	}
	entries, err := f.fetchReferences(ctx, secrets)
	if err != nil {
		return nil, nil, err
	}
	found := make(credential.Found, len(refs))
	for i, ref := range refs {
		found[ref] = entries[of[i]]
	}
	return found, of, nil
}

// fetchReferences fetches secrets in parallel.
func (f *fetcher) fetchReferences(ctx context.Context, secrets []asked) ([]*credential.SecretEntries, error) {
	entries := make([]*credential.SecretEntries, len(secrets))
	uses := f.provenance.uses(len(secrets))
	reads, ctx := newFetchGroup(ctx)
	for i, asked := range secrets {
		reads.begin(func() error {
			secret, err := f.in(asked.from).anySecret(ctx, asked.id, &uses[i])
			entries[i] = credential.EntriesOfSecret(secret, asked.from.label())
			return asked.by.InField(err)
		})
	}
	err := reads.wait()
	return entries, err
}

// secretAt is a secret in one store.
type secretAt struct {
	from *source
	id   cache.SecretID
}

// locate returns the secret that a reference means. It fails if the store does not exist,
// cannot have a secret of that name or version, or may not be asked for it. The result then has
// only the store, if that exists.
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
		return secretAt{from: from}, credential.InvalidName(ref.Subject()+" refers to", ref.Name)
	case !from.allowed(ref.Name):
		return secretAt{from: from}, f.notAllowed(ref.Name, ref.Subject()+" asks for a secret")
	}
	if err := from.checkVersion(ref.Version); err != nil {
		return secretAt{from: from}, credential.Precondition(ref.Subject()+` has a "secretKeyRef" with a "version": `+err.Error(), nil)
	}
	return secretAt{from, cache.SecretID{Name: ref.Name, Version: ref.Version}}, nil
}
