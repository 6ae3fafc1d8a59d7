package backend

import (
	"context"

	"credential-resolver/backend/store"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// SecretStore is a store of secrets.
type SecretStore struct {
	*store.Opened[store.SecretConn]

	names SecretNames
}

// OpenSecretStore opens a store with a registry of its own; see [Registry.OpenSecretStore].
func OpenSecretStore(ctx context.Context, spec store.Spec, opts store.Options) (*SecretStore, error) {
	return NewRegistry(opts.AllowExecPlugins).OpenSecretStore(ctx, spec, opts)
}

// OpenSecretStore opens the store that spec describes. It returns an error only if a retry
// cannot help. A store that is down keeps connecting in the background.
func (r *Registry) OpenSecretStore(ctx context.Context, spec store.Spec, opts store.Options) (*SecretStore, error) {
	o, t, fields, err := store.Open(ctx, spec, r.secrets, opts)
	if err != nil {
		return nil, err
	}
	return &SecretStore{Opened: o, names: namesOf(t, fields)}, nil
}

// Secret implements [resolver.SecretStore].
func (s *SecretStore) Secret(ctx context.Context, name string) (map[string]string, error) {
	return store.Use(ctx, s.Opened, func(ctx context.Context, c store.SecretConn) (map[string]string, error) {
		return c.Get(ctx, name)
	})
}

// SecretVersion implements [resolver.Versioner].
func (s *SecretStore) SecretVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return store.Use(ctx, s.Opened, func(ctx context.Context, c store.SecretConn) (map[string]string, error) {
		versioned, ok := c.(store.Versioned)
		if !ok {
			return nil, &credential.StoreError{Kind: credential.FailedPrecondition, Err: resolver.ErrNoVersions}
		}
		return versioned.GetVersion(ctx, name, version)
	})
}

// CheckVersion implements [resolver.Versioner].
func (s *SecretStore) CheckVersion(version string) error { return s.names.CheckVersion(version) }

// ValidName implements [resolver.Namer].
func (s *SecretStore) ValidName(name string) bool { return s.names.ValidName(name) }

// LeadingSlash implements [resolver.Namer].
func (s *SecretStore) LeadingSlash() bool { return s.names.LeadingSlash() }

// Policy returns the least privilege for reading secrets. names are sorted, and at least one.
func (s *SecretStore) Policy(ctx context.Context, names []string) (store.Policy, error) {
	return store.Use(ctx, s.Opened, func(ctx context.Context, c store.SecretConn) (store.Policy, error) {
		writer, ok := c.(store.PolicyWriter)
		if !ok {
			return store.Policy{}, store.Unable(store.ErrNoPolicy)
		}
		return writer.Policy(ctx, names)
	})
}

var (
	_ resolver.SecretStore = (*SecretStore)(nil)
	_ resolver.Namer       = (*SecretStore)(nil)
	_ resolver.Versioner   = (*SecretStore)(nil)
)
