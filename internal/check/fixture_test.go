package check_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/check"
	"credential-resolver/resolver/resolvertest"
)

// fixture is a Component with a secret store, and "second", a further one.
type fixture struct {
	settings component.Settings
	stores   *resolvertest.Stores
	second   *resolvertest.Stores
	failed   map[string]error
	done     []string // what progress was told
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	local := store.Spec{Label: "secretStore", Type: "secretstores.local.file", Fields: map[string]string{"secretsFile": "none"}}
	second := local
	second.Label = "secretStores.second"
	return &fixture{
		settings: component.Settings{
			SecretStore: local, SecretStores: map[string]store.Spec{"second": second}, RequestTimeout: time.Minute,
			LiteralFields: []string{"host"},
		},
		stores: resolvertest.New(t), second: resolvertest.New(t), failed: map[string]error{},
	}
}

// configs is a config store of the fixture. A check changes nothing in it: the other methods panic.
type configs struct {
	component.Configs
	stored *resolvertest.Configs
}

// Config implements resolver.ConfigStore.
func (c configs) Config(ctx context.Context, guid string) ([]byte, error) {
	return c.stored.Config(ctx, guid)
}

// List implements resolver.Lister.
func (c configs) List(ctx context.Context) ([]string, error) {
	return c.stored.List(ctx)
}

// secrets is a secret store of the fixture, which can have any name.
type secrets struct{ *resolvertest.NamedSecrets }

// Close implements io.Closer.
func (secrets) Close() error { return nil }

// CheckVersion implements resolver.Versioner.
func (secrets) CheckVersion(string) error { return nil }

// SecretVersion implements resolver.Versioner: version v of the secret n is the secret "n@v".
func (s secrets) SecretVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return s.Secret(ctx, name+"@"+version)
}

func anyName(stores *resolvertest.Stores) secrets {
	return secrets{stores.Secrets.Named(func(string) bool { return true }, false)}
}

// open returns the stores that did not fail.
func (f *fixture) open() *component.Stores {
	stores := &component.Stores{Named: map[string]component.Secrets{}}
	if f.failed["configStore"] == nil {
		stores.Configs = configs{stored: f.stores.Configs}
	}
	if f.failed["secretStore"] == nil {
		stores.Secrets = anyName(f.stores)
	}
	if f.failed["secretStores.second"] == nil {
		stores.Named["second"] = anyName(f.second)
	}
	return stores
}

// check checks all credentials, or one.
func (f *fixture) check(t *testing.T, guid string) ([]check.Finding, check.Summary) {
	t.Helper()
	c, err := check.New(f.settings, f.open(), f.failed, func(done, total int) { f.done = append(f.done, fmt.Sprintf("%d of %d", done, total)) })
	require.NoError(t, err)
	t.Cleanup(c.Close)
	var findings []check.Finding
	report := func(f check.Finding) error {
		findings = append(findings, f)
		return nil
	}
	var s check.Summary
	if guid == "" {
		s, err = c.All(t.Context(), report)
	} else {
		s, err = c.One(t.Context(), guid, report)
	}
	require.NoError(t, err)
	return findings, s
}

// lines returns findings as "severity id guid field store/secret".
func lines(findings []check.Finding) []string {
	var texts []string
	for _, f := range findings {
		text := fmt.Sprintf("%s %s %s", f.Severity, f.ID, f.GUID)
		if f.Field != "" {
			text += " " + f.Field
		}
		if f.Store != "" {
			text += " " + f.Store + "/" + f.Secret
		}
		texts = append(texts, text)
	}
	return texts
}
