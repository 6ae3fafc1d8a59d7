package resolver

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// secret fetches one allowed secret. A missing secret has no entries: the store has none,
// cannot have one of that name, or has one without a non-empty entry (section 4, step 4). A
// secret that has disappeared is an error of kind NotFound instead (step 8). It sets use if it
// does not fail.
func (f *fetcher) secret(ctx context.Context, name string, use *credential.SecretUse) (credential.Secret, error) {
	secret, err := f.anySecret(ctx, cache.SecretID{Name: name}, use)
	if err == nil && secret.Len() == 0 && f.from.known.has(name) {
		err = credential.SecretNotFound(f.guid, f.from.label(), name, "one of its secrets no longer exists in the secret store")
	}
	return secret, err
}

// anySecret is like secret, but reports a secret that has disappeared as missing.
func (f *fetcher) anySecret(ctx context.Context, id cache.SecretID, use *credential.SecretUse) (credential.Secret, error) {
	var secret credential.Secret
	*use = f.from.useOf(id, time.Time{}, credential.SecretNotAName)
	if f.from.naming.valid(id.Name) {
		read, err := f.read(ctx, id)
		switch {
		case errors.Is(err, credential.ErrNotUTF8):
			return credential.Secret{}, &credential.Error{
				Kind: credential.FailedPrecondition, GUID: f.guid, Reason: "one of its secrets is a JSON object that is " + err.Error(),
				Store: f.from.label(), Reference: credential.Reference(id.Name), Cause: err,
			}
		case err != nil:
			return credential.Secret{}, credential.SecretStoreFailure(f.guid, f.from.label(), credential.Reference(id.Name), err)
		}
		f.provenance.addTime(read.At)
		secret = read.Value
		use.ReadAt, use.Outcome, use.IsObject = read.At, credential.SecretMissing, secret.IsOneObject()
	}
	if secret.Len() > 0 {
		use.Outcome = credential.SecretFound
		f.recordSecret(id)
	}
	return secret, nil
}

// read reads a secret, or waits for its prefetch.
func (f *fetcher) read(ctx context.Context, id cache.SecretID) (cache.Dated[credential.Secret], error) {
	if call, ok := f.prefetch[id]; ok {
		return call.Wait(ctx)
	}
	return f.from.get(ctx, f.lookups, id, f.since)
}

// get waits for one of a resolution's lookups to end, and returns a secret that was read at
// since or later; zero: at any time.
func (s *source) get(ctx context.Context, lookups *semaphore.Weighted, id cache.SecretID, since time.Time) (cache.Dated[credential.Secret], error) {
	if err := lookups.Acquire(ctx, 1); err != nil {
		return cache.Dated[credential.Secret]{}, err
	}
	defer lookups.Release(1)
	return s.cache.Get(ctx, id, since, func(ctx context.Context) (credential.Secret, error) { return s.read(ctx, id) })
}
