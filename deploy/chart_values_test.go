//go:build chart

package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"credential-resolver/backend"
	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
)

// property is one item of a Component's metadata.
type property struct {
	Name         string
	Value        string
	SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
}

// properties returns the metadata of a Component.
func properties(t *testing.T, text string) []property {
	t.Helper()
	var manifest struct {
		Spec struct {
			Type, Version string
			Metadata      []property
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &manifest))
	require.Equal(t, componentfile.Type, manifest.Spec.Type)
	require.Equal(t, "v1", manifest.Spec.Version)
	require.NotEmpty(t, manifest.Spec.Metadata)
	return manifest.Spec.Metadata
}

// storesIn returns the names of the YAML files in a folder, without ".yaml".
func storesIn(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*.yaml")
	require.NoError(t, err)
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	require.NotEmpty(t, names)
	return names
}

// ofSecrets says whether a property belongs to the secret store.
func ofSecrets(p property) bool {
	return p.Name == "allowedSecrets" || p.Name == "secretStore" || strings.HasPrefix(p.Name, "secretStore.")
}

// TestValuesGiveTheComponentsOfTheStores compares the metadata that the values of each store give
// with the store's file in components/stores.
func TestValuesGiveTheComponentsOfTheStores(t *testing.T) {
	stores := storesIn(t, "../components/stores")
	require.ElementsMatch(t, append(stores, "bindings.localstorage", "secretstores.local.file"), storesIn(t, "chart/values"))
	for _, store := range stores {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../components/stores/" + store + ".yaml")
			require.NoError(t, err)
			require.ElementsMatch(t, properties(t, string(text)), properties(t, rendered(t, valuesOf(store)...)["Component/credentials"]))
		})
	}
}

// TestValuesOfTwoStoresCombine gives the values of a config store, then those of a secret store.
// Nothing of the first one's secret store may be left.
func TestValuesOfTwoStoresCombine(t *testing.T) {
	component := func(t *testing.T, stores ...string) []property {
		return properties(t, rendered(t, valuesOf(stores...)...)["Component/credentials"])
	}
	for _, secrets := range storesIn(t, "chart/values") {
		if !strings.HasPrefix(secrets, "secretstores.") {
			continue
		}
		t.Run(secrets, func(t *testing.T) {
			t.Parallel()
			for _, configs := range []string{"bindings.localstorage", "state.redis"} {
				var want []property
				for _, p := range component(t, configs) {
					if !ofSecrets(p) {
						want = append(want, p)
					}
				}
				want = append(want, component(t, secrets)...)
				require.ElementsMatch(t, want, component(t, configs, secrets), configs)
			}
		})
	}
}

// TestSettingsReachTheComponent sets values of each type, and parses them as the component does.
func TestSettingsReachTheComponent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	text := rendered(t, append(valuesOf("bindings.localstorage"), "--set", strings.Join([]string{
		"settings.cacheMaxEntries=10000000", "settings.cacheTTL=90s", "settings.allowBulk=true", "settings.cacheMaxBytes=32Mi",
		"settings.lookupFields={password,extra.token}",
		"secretStores.vault.type=secretstores.hashicorp.vault", "secretStores.vault.allowedSecrets={crm-*}",
		"secretStores.vault.metadata[0].name=vaultAddr", `secretStores.vault.metadata[0].value=https://vault.example:8200`,
	}, ","), "--set-json", "settings.literalFields=[]")...)["Component/credentials"]
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	loaded, err := componentfile.Load(file)
	require.NoError(t, err)
	settings, err := component.ParseMetadata(loaded)
	require.NoError(t, err)
	require.Equal(t, 10_000_000, settings.Cache.MaxEntries)
	require.Equal(t, "1m30s", settings.Cache.TTL.String())
	require.Equal(t, int64(32<<20), settings.Cache.MaxBytes)
	require.True(t, settings.AllowBulk)
	require.Equal(t, []string{"password", "extra.token"}, settings.LookupFields)
	require.Empty(t, settings.LiteralFields)
	require.Equal(t, "secretstores.hashicorp.vault", settings.SecretStores["vault"].Type)
	require.Equal(t, "https://vault.example:8200", settings.SecretStores["vault"].Fields["vaultAddr"])
	require.True(t, settings.AllowedIn["vault"].Match("crm-api"))
}

// TestSchemaKnowsTheStoresAndSettings compares the schema with the code.
func TestSchemaKnowsTheStoresAndSettings(t *testing.T) {
	type node struct {
		Enum       []string
		Properties map[string]node
	}
	var schema struct {
		Properties, Definitions map[string]json.RawMessage
	}
	text, err := os.ReadFile("chart/values.schema.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &schema))
	read := func(text json.RawMessage) (n node) {
		require.NoError(t, json.Unmarshal(text, &n))
		return n
	}
	assert.ElementsMatch(t, append(backend.ConfigStoreTypes(), ""), read(schema.Properties["configStore"]).Properties["type"].Enum)
	assert.ElementsMatch(t, backend.SecretStoreTypes(), read(schema.Definitions["secretStoreType"]).Enum)

	// The chart has other values for these. It is for production only.
	known := []string{"configStore", "configKey", "secretStore", "allowedSecrets", "environment"}
	for name := range read(schema.Properties["settings"]).Properties {
		known = append(known, name)
	}
	_, err = component.ParseMetadata(map[string]string{"zzz": ""})
	require.Error(t, err)
	_, list, found := strings.Cut(err.Error(), "the names are ")
	require.True(t, found, err)
	var names []string
	for _, name := range strings.Split(strings.Replace(list, " and ", ", ", 1), ", ") {
		if !strings.Contains(name, "<") {
			names = append(names, name)
		}
	}
	assert.ElementsMatch(t, names, known)
}
