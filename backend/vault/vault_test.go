package vault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestGrammarOfNames(t *testing.T) {
	valid := []string{
		"a", "warehouse-db", "teams/data/warehouse", "a.b", "...", "a..b", "x=y&z", "a:b@c", "data/metadata",
		"sys/seal", "naïve", `"<>^{|}`, "+*;,",
		"Prod DB", "a?version=1", "a#b", "a%2fb", "%2e%2e/a", `a\b`, " ", "\ufffd",
	}
	for _, name := range valid {
		require.True(t, validName(name), "%q", name)
	}
	invalid := map[string]string{
		"nothing":                        "",
		"out of the prefix":              "../other/a",
		"another endpoint":               "a/../../../../sys/seal",
		"two dots at the end":            "a/..",
		"a segment of one dot":           "a/./b",
		"an empty segment":               "a//b",
		"a leading slash":                "/a",
		"a trailing slash, as in Base64": "aGVsbG8/",
		"a blank beyond ASCII":           "a\u00a0b",
		"a line feed":                    "a\nb",
		"a zero-width character":         "a\u200bb",
		"not UTF-8":                      "a\xff",
	}
	for why, name := range invalid {
		require.False(t, validName(name), "%s: %q", why, name)
	}
}

func TestMetadataIsChecked(t *testing.T) {
	tests := map[string]struct {
		fields map[string]string
		want   string
	}{
		"no token":                {map[string]string{}, "neither vaultToken nor vaultTokenMountPath"},
		"two tokens":              {map[string]string{"vaulttokenmountpath": "/t"}, "both set"},
		"a token and a newline":   {map[string]string{"vaultToken": "canary\n"}, "white space"},
		"no scheme":               {map[string]string{"vaultAddr": "canary:8200"}, "vaultAddr is not an address"},
		"another scheme":          {map[string]string{"vaultAddr": "unix:///canary"}, "vaultAddr is not an address"},
		"a password":              {map[string]string{"vaultAddr": "https://u:canary@h"}, "vaultAddr is not an address"},
		"a query":                 {map[string]string{"vaultAddr": "https://h?canary"}, "vaultAddr is not an address"},
		"a mount with a query":    {map[string]string{"enginePath": "canary?"}, "enginePath is not a path"},
		"a mount and data":        {map[string]string{"enginePath": "/canary/data/"}, "enginePath must be the mount only"},
		"a prefix that leaves it": {map[string]string{"vaultKVPrefix": "../canary"}, "vaultKVPrefix is not a path"},
		"a slash as the prefix":   {map[string]string{"vaultKVPrefix": "/"}, "vaultKVPrefix is not a path"},
		"another type of value":   {map[string]string{"vaultValueType": "canary"}, "vaultValueType must be map or text"},
		"neither yes nor no":      {map[string]string{"vaultKVUsePrefix": "canary"}, "vaultKVUsePrefix must be true or false"},
		"a value that contrib ignores": {
			map[string]string{"skipVerify": "yes"}, "skipVerify must be true or false",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if name != "no token" && test.fields["vaultToken"] == "" {
				test.fields["vaultToken"] = "s.canary"
			}
			err := prepare(test.fields)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestMetadataIsNormalised(t *testing.T) {
	fields := map[string]string{
		"VaultAddr": "https://h:8200/", "vaultToken": "t", "enginePath": "/team/kv/", "vaultKVPrefix": "apps/",
		"vaultKVUsePrefix": "Yes", "skipVerify": "",
	}
	require.NoError(t, prepare(fields))
	require.Equal(t, map[string]string{
		"vaultAddr": "https://h:8200", "vaultToken": "t", "enginePath": "team/kv", "vaultKVPrefix": "apps",
		"vaultKVUsePrefix": "Yes",
	}, fields)
	require.NoError(t, prepare(map[string]string{"vaultToken": "t", "enginePath": "data"}))
}

// contrib inserts the name into a URL unchanged.
func TestNamesAreEscapedOnce(t *testing.T) {
	for name, want := range map[string]string{
		"team/a":                 "team/a",
		"Prod DB":                "Prod%20DB",
		"a?version=1#b":          "a%3Fversion=1%23b",
		"50%/%2F":                "50%25/%252F",
		`a\b`:                    "a%5Cb",
		"é/+":                    "%C3%A9/+",
		"a;b,c:d@e=f&g":          "a%3Bb%2Cc:d@e=f&g",
		strings.Repeat("a", 600): strings.Repeat("a", 600),
	} {
		require.Equal(t, want, escapedPath(name))
	}
}

func TestMountIsCheckedOnConnect(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   string // "" means connected
		final  bool
	}{
		"version 2":                              {400, refusedVersion, "", false},
		"version 2 of Vault":                     {400, refusedVersionByVault, "", false},
		"a policy that does not allow the probe": {403, `{"errors":["permission denied"]}`, "", false},
		"version 1":                              {404, `{"errors":[]}`, "KV version 1", true},
		"version 1, and a value":                 {200, `{"data":{"a":"b"}}`, "KV version 1", true},
		"no mount":                               {404, noHandler, "does not name a KV secrets engine", true},
		"sealed":                                 {503, `{"errors":["Vault is sealed"]}`, "unavailable", false},
		"a proxy without Vault":                  {404, "default backend - 404", "unavailable", false},
		"plain HTTP to a TLS port":               {400, "Client sent an HTTP request to an HTTPS server.\n", "unavailable", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, "/v1/secret/data/dapr/"+probe, r.URL.Path)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			_, err := connect(t.Context(), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}, storetest.DevNull(t))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			var final *store.PermanentError
			require.Equal(t, test.final, errors.As(err, &final))
		})
	}
}

// For each missing secret, the mount's version is checked again. This must work with and
// without a policy that allows the probe.
func TestMountIsCheckedForEachMissingSecret(t *testing.T) {
	var version, asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		status, body := http.StatusNotFound, `{"errors":[]}`
		switch {
		case r.URL.Path == "/v1/secret/data/dapr/"+probe:
			status, body = http.StatusForbidden, `{"errors":["permission denied"]}`
		case r.URL.Query().Get("version") == "none" && version.Load() == 2:
			status, body = http.StatusBadRequest, refusedVersion
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	conn, err := connect(t.Context(), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}, storetest.DevNull(t))
	require.NoError(t, err)
	for _, now := range []int32{1, 2, 2, 1, 1} {
		version.Store(now)
		before := asked.Load()
		_, err = conn.Get(t.Context(), "a")
		require.Equal(t, map[int32]credential.Kind{1: credential.Unavailable, 2: credential.NotFound}[now], credential.KindOf(err))
		require.EqualValues(t, 2, asked.Load()-before, "one request for the secret and one for the mount")
	}
}

func TestTokenIsReadAgainWhenItIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "new" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"data":{"a":"b"}}}`)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "token")
	fields := map[string]string{"vaultAddr": server.URL, "vaultTokenMountPath": file}
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }

	var final *store.PermanentError
	for _, text := range []string{"-", "", " \n", "a\nb"} { // a token file that is missing or incomplete
		if text != "-" {
			write(text)
		}
		_, err := connect(t.Context(), fields, storetest.DevNull(t))
		require.Error(t, err)
		require.False(t, errors.As(err, &final), "%q: %v", text, err)
	}
	write("old\n")
	conn, err := connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	for text, want := range map[string]credential.Kind{
		"old": credential.Denied, "": credential.Unavailable, "older": credential.Denied,
	} {
		write(text)
		_, err = conn.Get(t.Context(), "a")
		require.Equal(t, want, credential.KindOf(err), "%q", text)
	}
	require.NoError(t, os.Remove(file))
	_, err = conn.Get(t.Context(), "a")
	require.Equal(t, credential.Unavailable, credential.KindOf(err))

	write("new\n")
	got := make(chan error)
	for range 8 {
		go func() {
			_, err := conn.Get(context.WithoutCancel(t.Context()), "a")
			got <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-got)
	}
}

func TestFilesThatAreNotThereYetAreWaitedFor(t *testing.T) {
	for _, name := range []string{"caCert", "caPath"} {
		fields := map[string]string{"vaultToken": "t", name: filepath.Join(t.TempDir(), "missing")}
		_, err := connect(t.Context(), fields, storetest.DevNull(t))
		require.ErrorIs(t, err, os.ErrNotExist)
		var final *store.PermanentError
		require.False(t, errors.As(err, &final))
	}
	var final *store.PermanentError
	_, err := connect(t.Context(), map[string]string{"vaultToken": "t", "caPem": "no PEM"}, storetest.DevNull(t))
	require.ErrorAs(t, err, &final)
	_, err = connect(t.Context(), map[string]string{"vaultTokenMountPath": t.TempDir()}, storetest.DevNull(t))
	require.ErrorAs(t, err, &final)
}

// A connection whose other end has vanished must not be used again.
func TestDeadConnectionIsLeftBehind(t *testing.T) {
	vault := httptest.NewUnstartedServer(&scriptedServer{status: 404, body: `{"errors":[]}`})
	vault.EnableHTTP2 = true
	vault.StartTLS()
	t.Cleanup(vault.Close)
	network := storetest.NewNetwork(t, vault.Listener.Addr().String())
	conn, err := connect(t.Context(), map[string]string{
		"vaultAddr": "https://" + network.Address, "vaultToken": "t", "skipVerify": "true",
	}, storetest.DevNull(t))
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "a")
	require.True(t, store.Missing(err))

	network.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err = conn.Get(ctx, "a")
	require.Equal(t, credential.Timeout, credential.KindOf(err))
	ctx, cancel = context.WithTimeout(t.Context(), storetest.Long)
	defer cancel()
	_, err = conn.Get(ctx, "a")
	require.True(t, store.Missing(err), "%v", errors.Unwrap(err))
}
