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
)

func TestCredentialOfANamedStore(t *testing.T) {
	w := newFileStores(t)
	second := filepath.Join(t.TempDir(), "second.json")
	w.write(second, `{"pw": {"value": "of the second"}}`)
	w.secrets(`{"pw": {"value": "of the first"}}`)
	w.config("one", `{"credentialSource":"agent","password":"pw"}`)
	w.config("two", `{"credentialSource":"agent","password":"pw","credential-resolver":{"secretStore":"second"}}`)
	w.config("three", `{"credentialSource":"agent","password":"pw","credential-resolver":{"secretStore":"third"}}`)
	store := w.open(map[string]string{
		"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": second,
		"secretStores.second.multiValued": "true",
	})
	for guid, want := range map[string]string{"one": "of the first", "two": "of the second"} {
		data, err := get(store, guid)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"credentialSource": "agent", "password": want}, data)
	}
	_, err := get(store, "three")
	assert.Equal(t, codes.FailedPrecondition, status.Code(err))
}

// What has been a secret of one store is a literal where another store is asked.
func TestWhatIsKnownOfAStoreIsNotKnownOfAFurtherOne(t *testing.T) {
	w := newFileStores(t)
	second := filepath.Join(t.TempDir(), "second.json")
	w.write(second, `{"pw": {"value": "hunter2"}}`)
	w.secrets(`{"admin": {"value": "of the first"}, "pw": {"value": "of the first"}}`)
	w.config("one", `{"credentialSource":"agent","user":"admin"}`)
	w.config("two", `{"credentialSource":"agent","user":"admin","password":"pw","credential-resolver":{"secretStore":"second"}}`)
	store := w.open(map[string]string{
		"secretStores." + strings.Repeat("a", 64): "secretstores.local.file", "secretStores." + strings.Repeat("a", 64) + ".secretsFile": second,
		"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": second,
		"secretStores.second.multiValued": "true",
	})
	data, err := get(store, "one")
	require.NoError(t, err)
	assert.Equal(t, "of the first", data["user"])
	data, err = get(store, "two")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"credentialSource": "agent", "user": "admin", "password": "hunter2"}, data)

	w.write(second, `{}`)
	_, err = get(store, "two")
	assert.Equal(t, codes.NotFound, status.Code(err), "it was a secret of the second")
}

func TestLookupFieldsAndDeniedProbe(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{"db-password": {"value": "hunter2"}, "h": {"value": "never"}}`)
	w.config("c", `{"credentialSource":"agent","server":"h","password":"db-password"}`)
	for name, changed := range map[string]map[string]string{
		"lookupFields": {"lookupFields": " password , extra.token"},
		"deniedProbe":  {"allowedSecrets": "db-*", "deniedProbe": "literal"},
	} {
		data, err := get(w.open(changed), "c")
		require.NoError(t, err, name)
		assert.Equal(t, map[string]string{"credentialSource": "agent", "server": "h", "password": "hunter2"}, data, name)
	}
	_, err := get(w.open(map[string]string{"allowedSecrets": "db-*"}), "c")
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
}

func TestMetadataOfNamedStores(t *testing.T) {
	base := map[string]string{"secretStore": "secretstores.local.file", "secretStore.secretsFile": "x"}
	for name, tc := range map[string]struct{ metadata, value, want string }{
		"without a name":      {"secretStores", "x", "needs the name of a store"},
		"with an empty name":  {"secretStores.", "x", "needs the name of a store"},
		"with a wrong name":   {"secretStores.a b", "x", "needs the name of a store"},
		"with a long name":    {"secretStores." + strings.Repeat("a", 65), "x", "needs the name of a store"},
		"with a line end":     {"secretStores.a\n", "x", "needs the name of a store"},
		"without a type":      {"secretStores.a.secretsFile", "x", "metadata secretStores.a is missing"},
		"with an empty type":  {"secretStores.a", "", "is empty"},
		"with an empty field": {"secretStores.a.", "x", "needs the name of a field after the last dot"},
		"empty lookupFields":  {"lookupFields", "a,,b", "has an empty name"},
	} {
		t.Run(name, func(t *testing.T) {
			properties := map[string]string{tc.metadata: tc.value}
			for k, v := range base {
				properties[k] = v
			}
			_, err := component.ParseMetadata(properties)
			require.ErrorContains(t, err, tc.want)
		})
	}
	w := newFileStores(t)
	w.secrets(`{}`)
	_, err := w.init(map[string]string{"secretStores.a": "secretstores.local.file", "secretStores.a.secretFile": "x"})
	require.ErrorContains(t, err, `did you mean "secretsFile"?`)
}

// A secret that the second store had is a literal to the first one.
func TestFurtherStoreHasItsOwnKnownSecrets(t *testing.T) {
	w := newFileStores(t)
	second := filepath.Join(t.TempDir(), "second.json")
	w.write(second, `{"pw": {"value": "of the second"}}`)
	w.secrets(`{"user": {"value": "reader"}}`)
	w.config("two", `{"credentialSource":"agent","password":"pw","credential-resolver":{"secretStore":"second"}}`)
	w.config("one", `{"credentialSource":"agent","user":"user","password":"pw"}`)
	store := w.open(map[string]string{
		"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": second,
		"secretStores.second.multiValued": "true",
	})
	_, err := get(store, "two")
	require.NoError(t, err)
	data, err := get(store, "one")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"credentialSource": "agent", "user": "reader", "password": "pw"}, data)
}
