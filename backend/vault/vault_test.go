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

	"github.com/stretchr/testify/assert"
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
		"a mount and metadata":    {map[string]string{"enginePath": "canary/metadata"}, "enginePath must be the mount only"},
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

func TestNamesAreEscapedOnce(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		require.Empty(t, r.URL.RawQuery)
		writeSecret(w, r)
	}))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "enginePath": "team/kv"})
	for _, name := range []string{"team/a", "Prod DB", "a?version=1#b", "50%/%2F", `a\b`, "é/+", "a;b,c:d@e=f&g", strings.Repeat("a", 600)} {
		_, err := c.Get(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, "/v1/team/kv/data/dapr/"+name, asked)
	}
}

func TestMountIsCheckedOnConnect(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   string // "" means connected
		final  bool
	}{
		"version 2":                  {200, version2, "", false},
		"version 1":                  {200, version1, "", false},
		"version 1, without options": {200, `{"data":{"path":"secret/","type":"kv","options":null}}`, "", false},
		"an old version 1":           {200, `{"data":{"path":"secret/","type":"generic"}}`, "", false},
		"a policy without a right below the mount, or no mount": {
			403, `{"errors":["preflight capability check returned 403, please ensure client's policies grant access to path \"secret/\""]}`, "", false,
		},
		"a policy in Sentinel":     {400, byEGP, "", false},
		"another engine":           {200, `{"data":{"path":"secret/","type":"transit"}}`, "does not name a KV secrets engine", true},
		"a folder of a mount":      {200, `{"data":{"path":"sec/","type":"kv","options":{"version":"2"}}}`, "does not name a KV secrets engine", true},
		"a version of the future":  {200, `{"data":{"path":"secret/","type":"kv","options":{"version":"3"}}}`, "does not name a KV secrets engine", true},
		"other JSON":               {200, `{"data":{}}`, "unavailable", false},
		"an HTML page":             {200, "<html>", "unavailable", false},
		"sealed":                   {503, `{"errors":["Vault is sealed"]}`, "unavailable", false},
		"a proxy without Vault":    {404, "default backend - 404", "unavailable", false},
		"a proxy that refuses":     {403, "<html>", "unavailable", false},
		"plain HTTP to a TLS port": {400, "Client sent an HTTP request to an HTTPS server.\n", "unavailable", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.status != 200 && strings.HasSuffix(r.URL.Path, "/dapr/"+probe) {
					refuse(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
					return
				}
				if r.URL.Path == "/v1/auth/token/lookup-self" {
					refuse(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
					return
				}
				assert.Equal(t, mountPath, r.URL.Path)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			_, err := Type().Connect(t.Context(), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}, storetest.DevNull(t))
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

// Only a token that may read below the mount is told that there is none.
func TestMissingMountIsFinal(t *testing.T) {
	for name, allowed := range map[string]string{"version 2": "/v1/secret/data/dapr/" + probe, "version 1": "/v1/secret/dapr/" + probe} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case mountPath:
					refuse(w, 403, `{"errors":["preflight capability check returned 403"]}`)
				case allowed:
					refuse(w, 404, noHandler)
				default:
					refuse(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
				}
			}))
			t.Cleanup(server.Close)
			_, err := Type().Connect(t.Context(), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}, storetest.DevNull(t))
			require.ErrorContains(t, err, "does not name a KV secrets engine")
			var final *store.PermanentError
			require.ErrorAs(t, err, &final)
		})
	}
}

// mounts is a Vault whose mount can be replaced. It has the secret "a" in each version, and says
// of everything else that it does not exist.
type mounts struct {
	version atomic.Int32 // 0: the mount is hidden
	only    atomic.Int32 // the version whose paths the policies allow; 0: both
	asked   atomic.Int32
}

func (m *mounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.asked.Add(1)
	version := m.version.Load()
	switch {
	case r.URL.Path == mountPath && version == 1:
		_, _ = io.WriteString(w, version1)
	case r.URL.Path == mountPath && version == 2:
		_, _ = io.WriteString(w, version2)
	case r.URL.Path == mountPath:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":["preflight capability check returned 403"]}`)
	case m.only.Load() != 0 && m.only.Load() != map[bool]int32{true: 2, false: 1}[strings.HasPrefix(r.URL.Path, "/v1/secret/data/")]:
		refuse(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
	case r.URL.Path == "/v1/secret/dapr/a" && version == 1:
		_, _ = io.WriteString(w, `{"data":{"a":"one"}}`)
	case r.URL.Path == "/v1/secret/data/dapr/a" && version == 2:
		_, _ = io.WriteString(w, `{"data":{"data":{"a":"two"},"metadata":{"version":1}}}`)
	case strings.HasPrefix(r.URL.Path, "/v1/secret/dapr/") && version == 2:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine."]}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[]}`)
	}
}

func (m *mounts) connect(t *testing.T) store.SecretConn {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return connected(t, storetest.DevNull(t), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
}

func TestMountIsCheckedForEachMissingSecret(t *testing.T) {
	var vault mounts
	conn := vault.connect(t)
	for _, now := range []int32{0, 1, 1, 2, 2, 0, 1, 0} {
		vault.version.Store(now)
		before := vault.asked.Load()
		_, err := conn.Get(t.Context(), "missing")
		want := credential.NotFound
		if now == 0 {
			want = credential.Denied
		}
		storetest.RequireKind(t, want, err, "version %d", now)
		require.Equal(t, now == 0, storetest.IsGeneral(err), "a hidden mount is not about one secret")
		require.LessOrEqual(t, vault.asked.Load()-before, int32(4))
	}
	before := vault.asked.Load()
	vault.version.Store(1)
	_, err := conn.Get(t.Context(), "missing")
	require.True(t, store.Missing(err))
	require.EqualValues(t, 2, vault.asked.Load()-before, "one request for the secret and one for the mount")
}

func TestSecretIsReadFromAMountOfEitherVersion(t *testing.T) {
	var vault mounts
	conn := vault.connect(t)
	for _, now := range []int32{2, 1, 1, 2, 1} {
		vault.version.Store(now)
		entries, err := conn.Get(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, map[int32]string{1: "one", 2: "two"}[now], entries["a"])
	}
	before := vault.asked.Load()
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 1, vault.asked.Load()-before)
}

// The last good answers are kept until the mount is as before.
func TestMountOfAVersionThatThePoliciesDoNotAllowIsUnavailable(t *testing.T) {
	var vault mounts
	vault.version.Store(2)
	vault.only.Store(2)
	conn := vault.connect(t)
	vault.version.Store(1)
	for range 3 {
		_, err := conn.Get(t.Context(), "a")
		storetest.RequireKind(t, credential.Unavailable, err)
		require.Contains(t, credential.RemedyOf(err), "is KV version 1 and not 2")
	}
	vault.version.Store(2)
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

func TestMountThatMovesTwiceProvesNothing(t *testing.T) {
	var checks atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != mountPath:
			refuse(w, 404, `{"errors":[]}`)
		case checks.Add(1) == 1:
			_, _ = io.WriteString(w, version1)
		default:
			_, _ = io.WriteString(w, version2)
		}
	}))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
	_, err := c.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	_, err = c.Get(t.Context(), "a")
	require.True(t, store.Missing(err), "the mount moves no more")
}

func TestPrefixCanBeTurnedOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/secret/data/a", r.URL.Path)
		writeSecret(w, r)
	}))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "vaultKVUsePrefix": "no"})
	_, err := c.Get(t.Context(), "a")
	require.NoError(t, err)
}

// A standby node redirects to the active one.
func TestRedirectIsFollowedToTheSamePathOnly(t *testing.T) {
	active := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "t", r.Header.Get("X-Vault-Token"))
		writeSecret(w, r)
	}))
	t.Cleanup(active.Close)
	for path, want := range map[string]credential.Kind{
		"":                   credential.Internal, // no failure
		"/there":             credential.Unavailable,
		"?list=true":         credential.Unavailable,
		"/../../data/dapr/b": credential.Unavailable,
	} {
		standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", active.URL+r.URL.Path+path)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		t.Cleanup(standby.Close)
		entries, err := unchecked(t, map[string]string{"vaultAddr": standby.URL, "vaultToken": "t"}).Get(t.Context(), "a")
		if path == "" {
			require.NoError(t, err)
			require.Equal(t, map[string]string{"a": "b"}, entries)
			continue
		}
		storetest.RequireKind(t, want, err, path)
	}
}

func TestTokenIsReadAgainWhenItIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "new" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":["permission denied"]}`)
			return
		}
		if r.URL.Path == mountPath {
			_, _ = io.WriteString(w, version2)
			return
		}
		writeSecret(w, r)
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
		_, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
		require.Error(t, err)
		require.False(t, errors.As(err, &final), "%q: %v", text, err)
	}
	write("old\n")
	conn, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	for text, want := range map[string]credential.Kind{
		"old": credential.Denied, "": credential.Unavailable, "older": credential.Denied,
	} {
		write(text)
		_, err = conn.Get(t.Context(), "a")
		storetest.RequireKind(t, want, err, "%q", text)
	}
	require.NoError(t, os.Remove(file))
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)

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

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		refuse(w, 403, `{"errors":["permission denied"]}`)
	}))
	t.Cleanup(server.Close)
	file := storetest.FileWith(t, "old")
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultTokenMountPath": file})
	_, err := c.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.EqualValues(t, 1, asked.Load(), "the file holds the same token")

	refused := c.current()
	storetest.ReplaceFile(t, file, "new")
	next, err := c.tokenAfter(refused)
	require.NoError(t, err)
	again, err := c.tokenAfter(refused)
	require.NoError(t, err)
	require.Same(t, next, again, "calls share the session of the next token")
}

// The policies of the next token may allow the path.
func TestRefusalOfAPathIsNoOutageOfTheTokenFile(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") == "allowed" {
			writeSecret(w, r)
			return
		}
		refuse(w, 403, `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`)
	}))
	t.Cleanup(server.Close)
	file := storetest.FileWith(t, "old")
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultTokenMountPath": file})
	storetest.ReplaceFile(t, file, "")
	_, err := c.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.False(t, storetest.IsGeneral(err))
	storetest.ReplaceFile(t, file, "allowed")
	_, err = c.Get(t.Context(), "a")
	require.NoError(t, err)
}

func TestFilesThatAreNotThereYetAreWaitedFor(t *testing.T) {
	for _, name := range []string{"caCert", "caPath"} {
		fields := map[string]string{"vaultToken": "t", name: filepath.Join(t.TempDir(), "missing")}
		_, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
		require.ErrorIs(t, err, os.ErrNotExist)
		var final *store.PermanentError
		require.False(t, errors.As(err, &final))
	}
	var final *store.PermanentError
	_, err := Type().Connect(t.Context(), map[string]string{"vaultToken": "t", "caPem": "no PEM"}, storetest.DevNull(t))
	require.ErrorAs(t, err, &final)
	_, err = Type().Connect(t.Context(), map[string]string{"vaultTokenMountPath": t.TempDir()}, storetest.DevNull(t))
	require.ErrorAs(t, err, &final)
}

// A connection whose other end has vanished must not be used again.
func TestDeadConnectionIsLeftBehind(t *testing.T) {
	vault := httptest.NewUnstartedServer(&scriptedServer{status: 404, body: `{"errors":[]}`})
	vault.EnableHTTP2 = true
	vault.StartTLS()
	t.Cleanup(vault.Close)
	network := storetest.NewNetwork(t, vault.Listener.Addr().String())
	conn, err := Type().Connect(t.Context(), map[string]string{
		"vaultAddr": "https://" + network.Address, "vaultToken": "t", "skipVerify": "true",
	}, storetest.DevNull(t))
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "a")
	require.True(t, store.Missing(err))

	network.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err = conn.Get(ctx, "a")
	storetest.RequireKind(t, credential.Timeout, err)
	ctx, cancel = context.WithTimeout(t.Context(), storetest.Long)
	defer cancel()
	_, err = conn.Get(ctx, "a")
	require.True(t, store.Missing(err), "%v", errors.Unwrap(err))
}
