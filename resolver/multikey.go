package resolver

import (
	"context"

	"credential-resolver/resolver/credential"
)

// direct resolves a credential of source direct: the secret under its GUID is
// laid over the config (section 4, steps 4 and 7).
func (f *fetcher) direct(ctx context.Context, config *credential.Config) (credential.Object, error) {
	secret, err := f.one(ctx, f.guid, "its GUID names a secret")
	if err != nil {
		return credential.Object{}, err
	}
	return credential.Overlay(config.Fields, secret.Object), nil
}

// bundle fetches the one secret of an agent credential with a secret-path. That
// it is missing is NotFound (section 4, step 4), and a name that the store cannot be asked
// for is FailedPrecondition (step 5, stated names).
func (f *fetcher) bundle(ctx context.Context, path string) (credential.Secret, error) {
	if !f.from.naming.valid(path) {
		return credential.Secret{}, credential.NotAName(`its "secret-path" is`, path)
	}
	secret, err := f.one(ctx, path, `its "secret-path" names a secret`)
	if err == nil && secret.Len() == 0 {
		err = credential.SecretGone(f.guid, path, `there is no secret under its "secret-path"`)
	}
	return secret, err
}
