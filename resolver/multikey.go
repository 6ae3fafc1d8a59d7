package resolver

import "context"

// direct resolves a credential of source direct: the secret under its GUID is
// laid over the config (section 4, steps 4 and 7).
func (r *Resolver) direct(ctx context.Context, guid string, config *Config) (Object, error) {
	secrets, err := r.fetch(ctx, guid, []string{guid}, func(string) string { return "its GUID names a secret" })
	if err != nil {
		return Object{}, err
	}
	return overlay(config.Fields, secrets[guid]), nil
}

// bundle fetches the one secret of an agent credential with a secret-path. That
// it is missing is NotFound (section 4, step 4).
func (r *Resolver) bundle(ctx context.Context, guid, path string) (Object, error) {
	secrets, err := r.fetch(ctx, guid, []string{path}, func(string) string { return `its "secret-path" names a secret` })
	if err == nil && secrets[path].Len() == 0 {
		err = secretGone(guid, path, `there is no secret under its "secret-path"`)
	}
	return secrets[path], err
}

func secretGone(guid, name, reason string) *Error {
	return &Error{
		Kind: NotFound, GUID: guid, Reason: reason,
		Store: secretStore, Reference: Reference(name),
	}
}
