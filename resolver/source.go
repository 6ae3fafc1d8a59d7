package resolver

import (
	"context"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// source is one store of secrets, with its rules and its cache.
type source struct {
	store   SecretStore
	known   *Known
	allowed func(name string) bool
	naming  naming
	cache   *cache.Secrets
}

func newSource(secrets NamedSecrets, o Options) *source {
	s := &source{
		store: secrets.Store, known: secrets.Known, allowed: secrets.Allowed, naming: namingOf(secrets.Store),
		cache: cache.NewSecrets(o.Cache, o.Timeout),
	}
	if s.allowed == nil {
		s.allowed = o.Allowed
	}
	if s.known == nil {
		s.known = NewKnown()
	}
	return s
}

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

// read reads a secret from the store. A missing secret has no entries, and so has one whose
// entries are all empty.
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
