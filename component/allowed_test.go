package component_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
)

// Section 2, allowedSecrets.
func TestAllowedSecretsHoldForEachStore(t *testing.T) {
	const file = "secretstores.local.file"
	const second = `,"credential-resolver":{"secretStore":"second"}}`
	configs := map[string]string{
		"first":       `{"credentialSource":"agent","secret-path":"pw","p":"value"}`,
		"second":      `{"credentialSource":"agent","secret-path":"pw","p":"value"` + second,
		"first-bare":  `{"credentialSource":"agent","p":"pw"}`,
		"second-bare": `{"credentialSource":"agent","p":"pw"` + second,
		"ref-first":   `{"credential-resolver":{"references":"explicit"},"p":{"secretKeyRef":{"name":"pw"}}}`,
		"ref-second":  `{"credential-resolver":{"references":"explicit"},"p":{"secretKeyRef":{"name":"pw","store":"second"}}}`,
		"text-second": `{"credential-resolver":{"references":"explicit","secretStore":"second"},"p":"${pw}"}`,
	}
	for name, row := range map[string]struct {
		metadata      map[string]string
		first, second bool
		warns         string
	}{
		"no list": {map[string]string{}, true, true, "every secret of secretStore, secretStores.second;"},
		"the first store's list applies to both": {
			map[string]string{"allowedSecrets": "other"}, false, false, "",
		},
		"its own list is wider": {
			map[string]string{"allowedSecrets": "other", "secretStores.second.allowedSecrets": "p*"}, false, true, "",
		},
		"its own list is narrower": {
			map[string]string{"allowedSecrets": "*", "secretStores.second.allowedSecrets": "other"}, true, false, "",
		},
		"only its own list": {
			map[string]string{"secretStores.second.allowedSecrets": "other"}, true, false, "every secret of secretStore;",
		},
		"everything, stated explicitly": {map[string]string{"allowedSecrets": "*"}, true, true, ""},
		"no list, in development":       {map[string]string{"environment": "local"}, true, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFileStores(t)
			other := filepath.Join(t.TempDir(), "second.json")
			w.write(other, `{"pw": {"value": "of the second"}}`)
			w.secrets(`{"pw": {"value": "of the first"}}`)
			for guid, config := range configs {
				w.config(guid, config)
			}
			row.metadata["secretStores.second"] = file
			row.metadata["secretStores.second.secretsFile"] = other
			row.metadata["secretStores.second.multiValued"] = "true"
			store := w.open(row.metadata)
			for guid := range configs {
				may := row.first
				if strings.Contains(guid, "second") {
					may = row.second
				}
				data, err := get(store, guid)
				if may {
					require.NoError(t, err, guid)
					assert.Contains(t, data["p"], "of the ", guid)
				} else {
					assert.Equal(t, codes.PermissionDenied, status.Code(err), guid)
				}
			}
			if row.warns == "" {
				assert.NotContains(t, w.log.String(), "allowedSecrets is not set")
				return
			}
			assert.Equal(t, 1, strings.Count(w.log.String(), "allowedSecrets is not set"), "one warning at Init")
			assert.Contains(t, w.log.String(), row.warns)
			assert.Contains(t, w.log.String(), `or write \"*\" to allow all of them`, "the remedy")
			canary.AssertNone(t, w.log.String())
		})
	}
}

func TestAWrongListOfANamedStoreIsRefusedWithTheRemedy(t *testing.T) {
	for _, row := range []struct{ name, value, says string }{
		{"secretStores.a.allowedSecrets", "", "is empty: set a value, or remove it to use allowedSecrets"},
		{"secretStores.a.allowedSecrets", canary.Secret + ",", "has an empty pattern"},
		{"secretStores.a.allowedSecrets", canary.Secret + "\xff", "has a pattern that is not valid UTF-8"},
		{"secretStores.a.allowedsecrets", canary.Secret, `is unknown (did you mean "secretStores.a.allowedSecrets"?)`},
		{"secretStores.a.AllowedSecrets", "", `is unknown (did you mean "secretStores.a.allowedSecrets"?)`},
		{"secretStore.allowedSecrets", canary.Secret, `is unknown (did you mean "allowedSecrets"?)`},
		{"secretStore.allowedsecrets", canary.Secret, `is unknown (did you mean "allowedSecrets"?)`},
	} {
		t.Run(row.name+" may not be "+row.value, func(t *testing.T) {
			_, err := component.ParseMetadata(enough(map[string]string{
				"secretStores.a": "secretstores.local.file", row.name: row.value,
			}))
			require.ErrorContains(t, err, "metadata "+row.name+": "+row.says)
			canary.AssertNone(t, err.Error())
		})
	}
	_, err := component.ParseMetadata(enough(map[string]string{"secretStores.a.allowedSecrets": "x"}))
	require.ErrorContains(t, err, "metadata secretStores.a is missing", "a list without a type is not a store")
}

// The store must not receive the list.
func TestANamedStoreIsNotHandedItsList(t *testing.T) {
	s, err := component.ParseMetadata(enough(map[string]string{
		"secretStores.a": "secretstores.local.file", "secretStores.a.secretsFile": "f", "secretStores.a.allowedSecrets": "x?",
	}))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"secretsFile": "f"}, s.SecretStores["a"].Fields)
	assert.True(t, s.AllowedIn["a"].Match("xy"))
	assert.False(t, s.AllowedIn["a"].Match("y"))
	assert.Nil(t, s.AllowedSecrets)
}
