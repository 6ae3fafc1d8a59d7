package resolver

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// secret fetches one secret that may be asked for. One without entries is missing: the
// store has none, cannot have one of that name, or has one without a
// non-empty entry (section 4, step 4). One that was there before is an error of
// kind NotFound instead (step 8).
func (f *fetcher) secret(ctx context.Context, name string) (credential.Secret, error) {
	secret, err := f.anySecret(ctx, name)
	if err == nil && secret.Len() == 0 && f.from.known.has(name) {
		err = credential.SecretGone(f.guid, name, "a secret that it had before is gone from the secret store")
	}
	return secret, err
}

// anySecret is secret for who takes one that is gone for a missing one.
func (f *fetcher) anySecret(ctx context.Context, name string) (secret credential.Secret, err error) {
	defer func() {
		if recover() != nil {
			err = credential.StoreFailure(f.guid, credential.SecretStoreName, credential.Reference(name), &credential.StoreError{Kind: credential.Internal, Err: credential.ErrPanic})
		}
	}()
	if f.from.naming.valid(name) {
		read, err := f.read(ctx, name)
		switch {
		case errors.Is(err, credential.ErrNotUTF8):
			return credential.Secret{}, &credential.Error{
				Kind: credential.FailedPrecondition, GUID: f.guid, Reason: "a secret of it is a JSON object that is " + err.Error(),
				Store: credential.SecretStoreName, Reference: credential.Reference(name), Cause: err,
			}
		case err != nil:
			return credential.Secret{}, credential.StoreFailure(f.guid, credential.SecretStoreName, credential.Reference(name), err)
		}
		f.provenance.add(read.At)
		secret = read.Value
	}
	if secret.Len() > 0 {
		f.has(name)
	}
	return secret, nil
}

// read returns a secret that is being read already, or reads it.
func (f *fetcher) read(ctx context.Context, name string) (cache.Dated[credential.Secret], error) {
	if ahead, ok := f.prefetch[name]; ok {
		return ahead.Wait(ctx)
	}
	return f.from.get(ctx, f.lookups, name, f.since)
}

// get returns a secret that was read at since or later; zero: at any time. It waits until
// the resolution, whose lookups these are, has fewer than maxLookups under way.
func (s *source) get(ctx context.Context, lookups *semaphore.Weighted, name string, since time.Time) (cache.Dated[credential.Secret], error) {
	if err := lookups.Acquire(ctx, 1); err != nil {
		return cache.Dated[credential.Secret]{}, err
	}
	defer lookups.Release(1)
	return s.cache.Get(ctx, name, since, func(ctx context.Context) (credential.Secret, error) { return s.read(ctx, name) })
}

// read reads a secret. It has no entries if the store has none, or none that is not empty.
func (s *source) read(ctx context.Context, name string) (credential.Secret, error) {
	data, err := s.store.Secret(ctx, name)
	if err != nil && credential.KindOf(err) != credential.NotFound {
		return credential.Secret{}, err
	}
	secret, err := credential.ReadSecret(data)
	if err != nil {
		return credential.Secret{}, err
	}
	if credential.Missing(secret.Object) {
		secret.Object = credential.Object{}
	}
	return secret, nil
}
