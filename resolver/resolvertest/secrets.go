package resolvertest

import (
	"context"
	"maps"
	"sync"

	"credential-resolver/resolver"
)

var (
	_ resolver.SecretStore = (*Secrets)(nil)
	_ resolver.SecretStore = (*NamedSecrets)(nil)
	_ resolver.Namer       = (*NamedSecrets)(nil)
	_ resolver.Versioner   = (*VersionedSecrets)(nil)
)

// Secrets is a store of secrets in memory. It is safe for concurrent use.
type Secrets struct {
	*Calls

	mu      sync.Mutex
	secrets map[string]map[string]string
}

// Put stores a secret, and replaces an earlier one of that name.
func (s *Secrets) Put(name string, entries map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = maps.Clone(entries)
}

// PutAll stores secrets by their names.
func (s *Secrets) PutAll(secrets map[string]map[string]string) {
	for name, entries := range secrets {
		s.Put(name, entries)
	}
}

// Delete removes a secret.
func (s *Secrets) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, name)
}

// Secret implements resolver.SecretStore.
func (s *Secrets) Secret(ctx context.Context, name string) (map[string]string, error) {
	defer s.begin(name)()
	if err := s.interfere(ctx, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, ok := s.secrets[name]
	if !ok {
		return nil, absent()
	}
	return maps.Clone(entries), nil
}

// Named returns the same secrets as a store with its own grammar for names.
func (s *Secrets) Named(valid func(name string) bool, leadingSlash bool) *NamedSecrets {
	return &NamedSecrets{Secrets: s, valid: valid, leadingSlash: leadingSlash}
}

// NamedSecrets is a [Secrets] that is also a [resolver.Namer].
type NamedSecrets struct {
	*Secrets

	valid        func(name string) bool
	leadingSlash bool
}

// ValidName implements resolver.Namer.
func (s *NamedSecrets) ValidName(name string) bool { return s.valid(name) }

// LeadingSlash implements resolver.Namer.
func (s *NamedSecrets) LeadingSlash() bool { return s.leadingSlash }

// Versioned returns the same secrets as a store that keeps versions: version v of the secret n is
// the secret "n@v". check is its CheckVersion.
func (s *Secrets) Versioned(check func(version string) error) *VersionedSecrets {
	return &VersionedSecrets{Secrets: s, check: check}
}

// VersionedSecrets is a [Secrets] that is also a [resolver.Versioner].
type VersionedSecrets struct {
	*Secrets

	check func(version string) error
}

// CheckVersion implements resolver.Versioner.
func (s *VersionedSecrets) CheckVersion(version string) error { return s.check(version) }

// SecretVersion implements resolver.Versioner.
func (s *VersionedSecrets) SecretVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return s.Secret(ctx, name+"@"+version)
}
