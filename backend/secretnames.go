package backend

import (
	"context"
	"errors"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// SecretNames knows the names that a secret store can be asked for. It has no connection.
type SecretNames struct {
	validName    func(name string) bool
	leadingSlash bool
	checkVersion func(version string) error
}

func namesOf(t store.Type[store.SecretConn], fields map[string]string) SecretNames {
	n := SecretNames{validName: func(string) bool { return true }, leadingSlash: t.LeadingSlash, checkVersion: t.CheckVersion}
	if t.ValidName != nil {
		n.validName = func(name string) bool { return t.ValidName(fields, name) }
	}
	if n.checkVersion == nil {
		n.checkVersion = func(string) error { return resolver.ErrNoVersions }
	}
	return n
}

// NamesOnly returns the names of the store that spec describes, without opening it. It returns
// an error only if a retry cannot help.
func NamesOnly(spec store.Spec) (*SecretNames, error) {
	t, fields, err := store.Lookup(spec, secretStores(false))
	if err != nil {
		return nil, err
	}
	n := namesOf(t, fields)
	return &n, nil
}

// PolicyTarget returns the access control that a type of secret store has a policy for, such as
// "vault"; "" if it has none.
func PolicyTarget(storeType string) string {
	return secretStores(false)[strings.ToLower(storeType)].PolicyTarget
}

var errNotOpened = errors.New("this store is not opened")

// Secret implements [resolver.SecretStore]. It always fails.
func (*SecretNames) Secret(context.Context, string) (map[string]string, error) {
	return nil, &credential.StoreError{Kind: credential.Internal, Err: errNotOpened}
}

// SecretVersion implements [resolver.Versioner]. It always fails.
func (n *SecretNames) SecretVersion(ctx context.Context, name, _ string) (map[string]string, error) {
	return n.Secret(ctx, name)
}

// CheckVersion implements [resolver.Versioner].
func (n *SecretNames) CheckVersion(version string) error { return n.checkVersion(version) }

// ValidName implements [resolver.Namer].
func (n *SecretNames) ValidName(name string) bool { return n.validName(name) }

// LeadingSlash implements [resolver.Namer].
func (n *SecretNames) LeadingSlash() bool { return n.leadingSlash }

// Close does nothing.
func (*SecretNames) Close() error { return nil }

var (
	_ resolver.SecretStore = (*SecretNames)(nil)
	_ resolver.Namer       = (*SecretNames)(nil)
	_ resolver.Versioner   = (*SecretNames)(nil)
)
