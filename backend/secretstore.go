package backend

import (
	"context"

	"credential-resolver/backend/store"
	"credential-resolver/resolver"
)

// SecretStore is a store of secrets.
type SecretStore struct {
	*store.Opened[store.SecretConn]

	validName func(name string) bool
}

// OpenSecretStore opens the store that spec describes. It returns an error only if a retry
// cannot help. A store that is down keeps connecting in the background.
func OpenSecretStore(ctx context.Context, spec store.Spec, opts store.Options) (*SecretStore, error) {
	o, t, fields, err := store.Open(ctx, spec, secretStores(opts.AllowExecPlugins), opts)
	if err != nil {
		return nil, err
	}
	valid := func(string) bool { return true }
	if t.ValidName != nil {
		valid = func(name string) bool { return t.ValidName(fields, name) }
	}
	return &SecretStore{Opened: o, validName: valid}, nil
}

// Secret implements [resolver.SecretStore].
func (s *SecretStore) Secret(ctx context.Context, name string) (map[string]string, error) {
	return store.Use(ctx, s.Opened, func(ctx context.Context, c store.SecretConn) (map[string]string, error) {
		return c.Get(ctx, name)
	})
}

// ValidName implements [resolver.Namer].
func (s *SecretStore) ValidName(name string) bool { return s.validName(name) }

// LeadingSlash implements [resolver.Namer]. No store here has names that begin with a slash.
func (s *SecretStore) LeadingSlash() bool { return false }

var (
	_ resolver.SecretStore = (*SecretStore)(nil)
	_ resolver.Namer       = (*SecretStore)(nil)
)
