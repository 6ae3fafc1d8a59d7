package resolver

import (
	"context"

	"credential-resolver/resolver/credential"
)

// direct resolves a credential of source direct: it lays the secret that is named like the
// GUID over the config (section 4, steps 4 and 7).
func (f *fetcher) direct(ctx context.Context, config *credential.Config) (credential.Object, error) {
	secret, err := f.fetchOne(ctx, f.guid, "its GUID names a secret")
	if err != nil {
		return credential.Object{}, err
	}
	return credential.Overlay(config.Fields, secret.Object), nil
}

// bundle fetches the secret of an agent credential with a secret-path. It fails with NotFound
// if the secret is missing (section 4, step 4), and with FailedPrecondition if the store
// cannot have a secret of that name (step 5, stated names).
func (f *fetcher) bundle(ctx context.Context, path string) (credential.Secret, error) {
	if !f.from.naming.valid(path) {
		return credential.Secret{}, credential.InvalidName(`its "secret-path" is`, path)
	}
	secret, err := f.fetchOne(ctx, path, `its "secret-path" names a secret`)
	if err == nil && secret.Len() == 0 {
		err = credential.SecretNotFound(f.guid, path, `there is no secret under its "secret-path"`)
	}
	return secret, err
}
