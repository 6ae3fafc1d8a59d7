package vault

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestVersionOfASecretIsAskedFor(t *testing.T) {
	var mount atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == mountPath:
			_, _ = io.WriteString(w, mount.Load().(string))
		case mount.Load() == version1 && r.URL.Path == "/v1/secret/dapr/a":
			_, _ = io.WriteString(w, `{"data":{"a":"of version 1"}}`)
		case mount.Load() == version1 || r.URL.Path != "/v1/secret/data/dapr/a":
			refuse(w, 404, `{"errors":[]}`)
		case r.URL.RawQuery == "":
			_, _ = io.WriteString(w, `{"data":{"data":{"a":"now"},"metadata":{"version":4}}}`)
		case r.URL.RawQuery == "version=3":
			_, _ = io.WriteString(w, `{"data":{"data":{"a":"three"},"metadata":{"version":3}}}`)
		case r.URL.RawQuery == "version=2":
			refuse(w, 404, deletedVersion)
		default:
			refuse(w, 404, `{"errors":[]}`)
		}
	}))
	t.Cleanup(server.Close)
	mount.Store(version2)
	opened := connected(t, storetest.DevNull(t), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
	versions := opened.(store.Versioned)
	for version, want := range map[string]string{"3": "three", "2": "", "9": ""} {
		entries, err := versions.GetVersion(t.Context(), "a", version)
		if want == "" {
			require.True(t, store.Missing(err), version)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": want}, entries)
	}
	entries, err := opened.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "now"}, entries)

	mount.Store(version1)
	for range 2 { // before and after the store knows
		_, err = versions.GetVersion(t.Context(), "a", "3")
		require.Equal(t, credential.FailedPrecondition, credential.KindOf(err))
		require.Contains(t, credential.RemedyOf(err), "keeps no versions")
		entries, err = opened.Get(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "of version 1"}, entries)
	}
	mount.Store(version2)
	entries, err = versions.GetVersion(t.Context(), "a", "3")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "three"}, entries)
}

// A server in between may drop the query.
func TestAnotherVersionThanWasAskedForIsNotAnswered(t *testing.T) {
	vault := scriptedServer{status: 200, body: `{"data":{"data":{"a":"seven"},"metadata":{"version":7}}}`}
	versions := vault.connect(t, storetest.DevNull(t), nil).(store.Versioned)
	entries, err := versions.GetVersion(t.Context(), "a", "3")
	require.ErrorIs(t, err, credential.Unavailable)
	require.Nil(t, entries)
	entries, err = versions.GetVersion(t.Context(), "a", "7")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "seven"}, entries)
}

func TestVersionIsANumberFromOne(t *testing.T) {
	for _, version := range []string{"1", "3", "9223372036854775807"} {
		require.NoError(t, checkVersion(version), version)
	}
	for _, version := range []string{"0", "-1", "03", "+3", "3.0", "1e3", "latest", " 3", "9223372036854775808"} {
		require.Equal(t, errVersion, checkVersion(version), version)
	}
}

// upgraded is a mount of version 1 that becomes one of version 2. Its answers are those of real
// servers. It has all secrets.
type upgraded struct{ atomic.Bool }

func (u *upgraded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	below := strings.TrimPrefix(r.URL.Path, "/v1/secret/")
	first, name, _ := strings.Cut(below, "/")
	switch {
	case r.URL.Path == mountPath && !u.Load():
		_, _ = io.WriteString(w, version1)
	case r.URL.Path == mountPath:
		_, _ = io.WriteString(w, version2)
	case !u.Load():
		_, _ = fmt.Fprintf(w, `{"data":{"name":%q,"version":1}}`, below)
	case below == "config":
		_, _ = io.WriteString(w, `{"data":{"cas_required":false,"delete_version_after":"0s","max_versions":0}}`)
	case first == "data" && name != "":
		_, _ = fmt.Fprintf(w, `{"data":{"data":{"name":%q,"version":2},"metadata":{"version":1}}}`, name)
	case first == "metadata":
		_, _ = io.WriteString(w, `{"data":{"current_version":1,"versions":{"1":{"destroyed":false}}}}`)
	case first == "subkeys":
		_, _ = io.WriteString(w, `{"data":{"metadata":{"version":1},"subkeys":{"name":null}}}`)
	case first == "delete", first == "undelete", first == "destroy":
		refuse(w, 405, `{"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}`)
	default:
		refuse(w, 404, `{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine."]}`)
	}
}

func TestPathsOfVersion2AreNoSecretsOfVersion1(t *testing.T) {
	names := []string{
		"config", "data/x", "metadata/x", "subkeys/x/y", "delete/x", "undelete/x", "destroy/x", "data", "config/x", "other/x",
	}
	for _, prefix := range []string{"", "data", "metadata/team"} {
		for _, name := range names {
			t.Run(prefix+" "+name, func(t *testing.T) {
				var vault upgraded
				server := httptest.NewServer(&vault)
				t.Cleanup(server.Close)
				fields := map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "vaultKVUsePrefix": "false"}
				if prefix != "" {
					fields["vaultKVUsePrefix"], fields["vaultKVPrefix"] = "true", prefix
				}
				conn := connected(t, storetest.DevNull(t), fields)
				for _, version := range []string{"1", "2"} {
					vault.Store(version == "2")
					entries, err := conn.Get(t.Context(), name)
					require.NoError(t, err)
					require.Equal(t, map[string]string{"name": path.Join(prefix, name), "version": version}, entries)
				}
			})
		}
	}
}

// Version 1 of Vault refuses a name with two dots in it. Version 2 and OpenBao take it.
func TestNameThatVersion1CannotStoreIsMissing(t *testing.T) {
	vault := scriptedServer{status: 404, body: `{"errors":[]}`}
	conn := vault.connect(t, storetest.DevNull(t), nil)
	vault.status, vault.body = 400, relativePath
	_, err := conn.Get(t.Context(), "a..b")
	require.ErrorIs(t, err, credential.Unavailable)
	vault.mount = version1
	for range 2 { // before and after the store knows
		_, err = conn.Get(t.Context(), "a..b")
		require.True(t, store.Missing(err))
	}
}
