package resolver

import (
	"context"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// source is one store of secrets, with its rules and its cache.
type source struct {
	name    string // in Options.Named; "" for the default store
	store   SecretStore
	known   *Known
	allowed func(name string) bool
	naming  naming
	// versions is the store, if it may keep versions; nil otherwise.
	versions Versioner
	cache    *cache.Secrets
}

func newSource(name string, secrets NamedSecrets, o Options) *source {
	s := &source{
		name: name, store: secrets.Store, known: secrets.Known, allowed: secrets.Allowed, naming: namingOf(secrets.Store),
		cache: cache.NewSecrets(o.Cache, o.Timeout),
	}
	if s.allowed == nil {
		s.allowed = o.Allowed
	}
	if s.known == nil {
		s.known = NewKnown()
	}
	s.versions, _ = secrets.Store.(Versioner)
	return s
}

// label returns the store's label, see [credential.SecretStoreLabel].
func (s *source) label() string { return credential.SecretStoreLabel(s.name) }

// sourceOf returns the store that holds the secrets of a config; nil if the config names none
// and there is no default store.
func (r *Resolver) sourceOf(config *credential.Config) (*source, error) {
	if config.SecretStore() == "" {
		return r.secrets, nil
	}
	named, ok := r.named[config.SecretStore()]
	if !ok {
		return nil, credential.Precondition(`"secretStore" in its "credential-resolver" is not in the Component's secretStores`, nil)
	}
	return named, nil
}

// checkVersion returns an error if the store can never be asked for a version of a secret.
func (s *source) checkVersion(version string) error {
	switch {
	case version == "":
		return nil
	case s.versions == nil:
		return ErrNoVersions
	}
	return s.versions.CheckVersion(version)
}

// ErrNoVersions is the error for a version of a secret in a store without versions.
const ErrNoVersions = credential.Remedy("this type of secret store keeps no versions: remove it")

// read reads a secret from the store. A missing secret has no entries, and so has one whose
// entries are all empty.
func (s *source) read(ctx context.Context, id cache.SecretID) (credential.Secret, error) {
	var data map[string]string
	var err error
	if id.Version == "" {
		data, err = s.store.Secret(ctx, id.Name)
	} else {
		data, err = s.versions.SecretVersion(ctx, id.Name, id.Version)
	}
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
