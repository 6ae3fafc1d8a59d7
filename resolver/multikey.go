package resolver

import (
	"context"

	"credential-resolver/resolver/credential"
)

// direct resolves a credential of source direct: it lays the secret that is named like the
// GUID over the config (section 4, steps 4 and 7).
func (f *fetcher) direct(ctx context.Context, config *credential.Config) (credential.Object, error) {
	if err := f.checkDirect(); err != nil {
		return credential.Object{}, err
	}
	secret, err := f.secret(ctx, f.guid, &f.provenance.uses(1)[0])
	if err != nil {
		return credential.Object{}, err
	}
	finished := credential.Overlay(config.Fields, secret.Object)
	f.provenance.made.Fields = directOrigins(finished, secret)
	return finished, nil
}

// checkDirect fails if allowedSecrets does not allow the secret that is named like the GUID.
func (f *fetcher) checkDirect() error { return f.checkAllowed(f.guid, "its GUID names a secret") }

// checkBundle fails if the store cannot have a secret with the name in secret-path
// (FailedPrecondition; section 4, step 5, stated names), or if allowedSecrets does not allow it.
func (f *fetcher) checkBundle(path string) error {
	if !f.from.naming.valid(path) {
		return credential.InvalidName(`its "secret-path" is`, path)
	}
	return f.checkAllowed(path, `its "secret-path" names a secret`)
}

// bundle fetches the secret of an agent credential with a secret-path. It fails with NotFound
// if the secret is missing (section 4, step 4), and as checkBundle does.
func (f *fetcher) bundle(ctx context.Context, path string) (credential.Secret, error) {
	if err := f.checkBundle(path); err != nil {
		return credential.Secret{}, err
	}
	secret, err := f.secret(ctx, path, &f.provenance.uses(1)[0])
	if err == nil && secret.Len() == 0 {
		err = credential.SecretNotFound(f.guid, f.from.label(), path, `there is no secret under its "secret-path"`)
	}
	return secret, err
}
