package resolver

import "context"

// direct resolves a credential of source direct: the secret under its GUID is
// laid over the config (section 4, steps 4 and 7).
func (f *fetcher) direct(ctx context.Context, config *Config) (Object, error) {
	secret, err := f.one(ctx, f.guid, "its GUID names a secret")
	if err != nil {
		return Object{}, err
	}
	return overlay(config.Fields, secret.Object), nil
}

// bundle fetches the one secret of an agent credential with a secret-path. That
// it is missing is NotFound (section 4, step 4), and a name that the store cannot be asked
// for is FailedPrecondition (step 5, stated names).
func (f *fetcher) bundle(ctx context.Context, path string) (storedSecret, error) {
	if !f.from.naming.valid(path) {
		return storedSecret{}, notAName(`its "secret-path" is`, path)
	}
	secret, err := f.one(ctx, path, `its "secret-path" names a secret`)
	if err == nil && secret.Len() == 0 {
		err = secretGone(f.guid, path, `there is no secret under its "secret-path"`)
	}
	return secret, err
}

// notAName is the error of a stated name that the store cannot be asked for.
func notAName(who, name string) *Error {
	failure := precondition(who+" a name that no secret of its store can have", nil)
	failure.Reference = Reference(name)
	return failure
}

func secretGone(guid, name, reason string) *Error {
	return &Error{
		Kind: NotFound, GUID: guid, Reason: reason,
		Store: secretStore, Reference: Reference(name),
	}
}
