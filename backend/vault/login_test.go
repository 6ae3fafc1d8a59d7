package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// authServer is a Vault that gives tokens to those who log in, and knows only the last of them.
type authServer struct {
	URL string

	mu          sync.Mutex
	path        string // of the login
	body        map[string]any
	lease       int // of the tokens, in seconds
	tokens      int // how many it has given
	renewed     int
	known       string // the valid token
	revoked     []string
	unrenewable bool   // tokens may not renew themselves
	refusal     string // the answer to a login; "" means a token
	asked       map[string]int
}

func newAuthServer(t *testing.T) *authServer {
	t.Helper()
	v := &authServer{lease: 3600, asked: map[string]int{}}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	v.URL = server.URL
	return v
}

func (v *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	v.asked[path]++
	switch {
	case strings.HasPrefix(path, "auth/token/renew-self"):
		if v.unrenewable || r.Header.Get("X-Vault-Token") != v.known {
			refuse(w, 403, `{"errors":["permission denied"]}`)
			return
		}
		v.renewed++
		v.grant(w)
	case path == "auth/token/revoke-self":
		v.revoked = append(v.revoked, r.Header.Get("X-Vault-Token"))
		w.WriteHeader(http.StatusNoContent)
	case path == "auth/token/lookup-self":
		_, _ = fmt.Fprintf(w, `{"data":{"ttl":%d,"renewable":%t}}`, v.lease, !v.unrenewable)
	case strings.HasPrefix(path, "auth/"):
		v.path, v.body = path, nil
		_ = json.NewDecoder(r.Body).Decode(&v.body)
		if v.refusal != "" {
			status, body, _ := strings.Cut(v.refusal, " ")
			code := 0
			_, _ = fmt.Sscan(status, &code)
			refuse(w, code, body)
			return
		}
		v.tokens++
		v.known = fmt.Sprint("hvs.token-", v.tokens)
		v.grant(w)
	case path == "sys/wrapping/unwrap":
		if v.asked[path] > 1 || r.Header.Get("X-Vault-Token") != "hvs.canary-wrapping" {
			refuse(w, 400, `{"errors":["wrapping token is not valid or does not exist"]}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"secret_id":"canary-unwrapped"}}`)
	case r.Header.Get("X-Vault-Token") != v.known:
		refuse(w, 403, `{"errors":["permission denied"]}`)
	case r.URL.Path == mountPath:
		_, _ = io.WriteString(w, version2)
	default:
		writeSecret(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (v *authServer) grant(w http.ResponseWriter) {
	_, _ = fmt.Fprintf(w, `{"auth":{"client_token":%q,"lease_duration":%d,"renewable":true}}`, v.known, v.lease)
}

// revoke makes the server forget its token.
func (v *authServer) revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known = "none"
}

// answerLogins sets the answer to a login; "" means a token.
func (v *authServer) answerLogins(refusal string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refusal = refusal
}

func (v *authServer) count(of func(*authServer) int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return of(v)
}

func logins(v *authServer) int   { return v.tokens }
func renewals(v *authServer) int { return v.renewed }

func approle(v *authServer) map[string]string {
	return map[string]string{"vaultAddr": v.URL, "authMethod": "approle", "roleID": "canary-role", "secretID": "canary-id"}
}

// behind starts a server that may answer instead of a Vault: before returns true if it did. The
// stores that connect to the Vault then use this server.
func (v *authServer) behind(t *testing.T, before func(w http.ResponseWriter, r *http.Request) bool) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !before(w, r) {
			v.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	v.URL = server.URL
}

func isLogin(r *http.Request) bool { return r.URL.Path == "/v1/auth/approle/login" }

func isSecret(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/secret/") }

func TestEachMethodLogsInAsVaultExpects(t *testing.T) {
	jwt := storetest.FileWith(t, "canary.jwt\n")
	id := storetest.FileWith(t, " canary-id\n")
	tests := map[string]struct {
		fields map[string]string
		path   string
		body   map[string]any
	}{
		"approle": {
			map[string]string{"authMethod": "approle", "roleID": "r", "secretID": "canary-id"},
			"auth/approle/login",
			map[string]any{"role_id": "r", "secret_id": "canary-id"},
		},
		"approle, the secret ID in a file": {
			map[string]string{"authMethod": "approle", "roleID": "r", "secretIDPath": id},
			"auth/approle/login",
			map[string]any{"role_id": "r", "secret_id": "canary-id"},
		},
		"approle without a secret ID": {
			map[string]string{"authMethod": "approle", "roleID": "r"}, "auth/approle/login", map[string]any{"role_id": "r"},
		},
		"kubernetes, at another mount": {
			map[string]string{"authMethod": "kubernetes", "role": "r", "jwtPath": jwt, "authMountPath": "/clusters/east/"},
			"auth/clusters/east/login",
			map[string]any{"role": "r", "jwt": "canary.jwt"},
		},
		"jwt with the default role": {
			map[string]string{"authMethod": "jwt", "jwtPath": jwt}, "auth/jwt/login", map[string]any{"jwt": "canary.jwt"},
		},
		"jwt": {
			map[string]string{"authMethod": "jwt", "jwtPath": jwt, "role": "r"},
			"auth/jwt/login",
			map[string]any{"jwt": "canary.jwt", "role": "r"},
		},
		"userpass": {
			map[string]string{"authMethod": "userpass", "username": "u v", "password": "canary"},
			"auth/userpass/login/u v",
			map[string]any{"password": "canary"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := newAuthServer(t)
			test.fields["vaultAddr"] = v.URL
			conn := connected(t, storetest.DevNull(t), test.fields)
			require.Equal(t, test.path, v.path)
			require.Equal(t, test.body, v.body)
			entries, err := conn.Get(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, map[string]string{"a": "b"}, entries)
			require.Equal(t, 1, v.count(logins))
		})
	}
}

func TestServiceAccountTokenIsTheDefaultOfKubernetes(t *testing.T) {
	s, err := decode(map[string]string{"authMethod": "kubernetes", "role": "r"})
	require.NoError(t, err)
	require.Equal(t, "/var/run/secrets/kubernetes.io/serviceaccount/token", s.JWTFile)
	require.Equal(t, "kubernetes", s.AuthMount)
}

func TestNamespaceIsSentWithEachRequest(t *testing.T) {
	var renewed atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "org/team", strings.TrimSuffix(r.Header.Get("X-Vault-Namespace"), "/"), r.URL.Path)
		assert.Equal(t, "true", r.Header.Get("X-Vault-Request"), "an agent may require it")
		if r.URL.Path == "/v1/auth/token/renew-self" {
			renewed.Store(true)
		}
		if strings.HasPrefix(r.URL.Path, "/v1/auth/") {
			_, _ = io.WriteString(w, `{"auth":{"client_token":"t","lease_duration":3600,"renewable":true}}`)
			return
		}
		(&scriptedServer{status: 200, body: `{"data":{"data":{"a":"b"},"metadata":{"version":1}}}`}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	conn := connected(t, storetest.DevNull(t), map[string]string{
		"vaultAddr": server.URL, "authMethod": "userpass", "username": "u", "password": "p", "vaultNamespace": "org/team/",
	})
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Eventually(t, renewed.Load, storetest.Long, storetest.Tick)
}

func TestRefusedLoginIsDeniedAndAnUnreachableOneUnavailable(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   credential.Kind
	}{
		"a wrong secret ID":              {`400 {"errors":["invalid role or secret ID"]}`, credential.Denied},
		"a wrong service account":        {`403 {"errors":["service account name not authorized"]}`, credential.Denied},
		"another user":                   {`401 {"errors":["no"]}`, credential.Denied},
		"a method that is not enabled":   {`404 {"errors":["no handler for route"]}`, credential.Denied},
		"a sealed Vault":                 {`503 {"errors":["Vault is sealed"]}`, credential.Unavailable},
		"throttling":                     {`429 {"errors":["request path \"auth/approle/login\": rate limit quota exceeded"]}`, credential.Unavailable},
		"a Vault that fails":             {`500 {"errors":["internal error"]}`, credential.Unavailable},
		"a proxy's refusal":              {`403 <html>`, credential.Unavailable},
		"a proxy's 404":                  {`404 default backend`, credential.Unavailable},
		"an answer without a token":      {`200 {"data":{}}`, credential.Unavailable},
		"a token that is no header":      {`200 {"auth":{"client_token":"a b"}}`, credential.Unavailable},
		"an answer that is an HTML page": {`200 <html>`, credential.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := newAuthServer(t)
			v.answerLogins(test.answer)
			_, err := Type().Connect(t.Context(), approle(v), storetest.DevNull(t))
			storetest.RequireKind(t, test.want, err, "at the start")
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
			var final *store.PermanentError
			require.False(t, errors.As(err, &final))
			require.True(t, credential.IsOutage(err), "it says nothing about the secrets")
			if test.want == credential.Denied {
				require.True(t, storetest.IsGeneral(err))
				require.Contains(t, credential.RemedyOf(err), "check roleID, secretID, secretIDPath and authMountPath")
			}

			v.answerLogins("")
			conn := connected(t, storetest.DevNull(t), approle(v))
			v.answerLogins(test.answer)
			v.revoke()
			_, err = conn.Get(t.Context(), "a")
			storetest.RequireKind(t, test.want, err, "when the token is revoked")
			require.True(t, credential.IsOutage(err), "it says nothing about the secret")
			v.answerLogins("")
			require.Eventually(t, func() bool { _, err = conn.Get(t.Context(), "a"); return err == nil }, storetest.Long, storetest.Tick)
		})
	}
}

func TestCallsShareTheLoginAfterTheTokenIsRevoked(t *testing.T) {
	v := newAuthServer(t)
	conn := connected(t, storetest.DevNull(t), approle(v))
	for round := range 3 {
		before := v.count(logins)
		v.revoke()
		storetest.Together(t, store.DefaultConcurrency, func() error {
			_, err := conn.Get(context.WithoutCancel(t.Context()), "a")
			return err
		})
		require.Equal(t, 1, v.count(logins)-before, "round %d", round)
	}
}

// No token of ours is refused, so another one would not help.
func TestPolicyInSentinelCausesNoLogin(t *testing.T) {
	v := newAuthServer(t)
	v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
		if isSecret(r) {
			refuse(w, 403, byEGP)
		}
		return isSecret(r)
	})
	conn := connected(t, storetest.DevNull(t), approle(v))
	for range 3 {
		_, err := conn.Get(t.Context(), "a")
		require.ErrorIs(t, err, credential.Denied)
	}
	require.Equal(t, 1, v.count(logins))
}

// A server may lock a user who is refused too often.
func TestRefusedLoginIsNotRepeatedAtOnce(t *testing.T) {
	v := newAuthServer(t)
	conn := connected(t, storetest.DevNull(t), approle(v))
	v.answerLogins(`400 {"errors":["invalid role or secret ID"]}`)
	v.revoke()
	before := v.count(func(v *authServer) int { return v.asked["auth/approle/login"] })
	began := time.Now()
	for range 50 {
		_, err := conn.Get(t.Context(), "a")
		storetest.RequireKind(t, credential.Denied, err)
	}
	after := v.count(func(v *authServer) int { return v.asked["auth/approle/login"] })
	require.LessOrEqual(t, after-before, 1+int(time.Since(began)/(250*time.Millisecond)), "the shortest pause")
}

// The tokens of the logins may be unknown to the node that answers, or belong to another namespace.
func TestNewTokenThatIsRefusedCausesFewLogins(t *testing.T) {
	v := newAuthServer(t)
	var refuses atomic.Bool
	v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !refuses.Load() || !isSecret(r) {
			return false
		}
		refuse(w, 403, `{"errors":["permission denied"]}`)
		return true
	})
	conn := connected(t, storetest.DevNull(t), approle(v))
	refuses.Store(true)
	before, began := v.count(logins), time.Now()
	for range 50 {
		_, err := conn.Get(t.Context(), "a")
		storetest.RequireKind(t, credential.Denied, err)
		require.True(t, credential.IsOutage(err), "it says nothing about the secret")
	}
	require.LessOrEqual(t, v.count(logins)-before, 2+2*int(time.Since(began)/(250*time.Millisecond)), "two for each pause")
	refuses.Store(false)
	require.Eventually(t, func() bool {
		_, err := conn.Get(t.Context(), "a")
		return err == nil
	}, storetest.Long, storetest.Tick)
}

func TestTokenThatEndsBeforeTheCheckOfTheMountIsReplaced(t *testing.T) {
	v := newAuthServer(t)
	var ended atomic.Bool
	v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !isSecret(r) {
			return false
		}
		refuse(w, 404, `{"errors":[]}`)
		if !ended.Swap(true) {
			v.revoke()
		}
		return true
	})
	_, err := connected(t, storetest.DevNull(t), approle(v)).Get(t.Context(), "missing")
	require.True(t, store.Missing(err), "%v", errors.Unwrap(err))
	require.Equal(t, 2, v.count(logins))
}

// Neither a policy nor a proxy says anything about the token.
func TestRefusalThatIsNotAboutTheTokenNeedsNoLogin(t *testing.T) {
	for name, test := range map[string]struct {
		body    string
		general bool
	}{
		"by a policy": {`{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`, false},
		"by a proxy":  {"<html>", true},
	} {
		t.Run(name, func(t *testing.T) {
			v := newAuthServer(t)
			v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
				if isSecret(r) {
					refuse(w, 403, test.body)
				}
				return isSecret(r)
			})
			_, err := connected(t, storetest.DevNull(t), approle(v)).Get(t.Context(), "a")
			storetest.RequireKind(t, credential.Denied, err)
			require.Equal(t, test.general, storetest.IsGeneral(err))
			require.Equal(t, 1, v.count(logins))
		})
	}
}

func TestTokenIsRenewedAndReplacedBeforeItEnds(t *testing.T) {
	v := newAuthServer(t)
	v.lease = 2
	conn := connected(t, storetest.DevNull(t), approle(v))
	require.Eventually(t, func() bool { return v.count(renewals) >= 2 }, storetest.Long, storetest.Tick, "it is renewed")
	require.Equal(t, 1, v.count(logins))
	v.revoke() // the renewals fail, and nobody asks for a secret meanwhile
	require.Eventually(t, func() bool { return v.count(logins) >= 2 }, storetest.Long, storetest.Tick, "there is another login")
	require.NoError(t, conn.Close())
}

// A token that may not renew itself is not replaced before it nearly ends.
func TestTokenWithoutRenewalIsUsedUntilItsEnd(t *testing.T) {
	v := newAuthServer(t)
	v.lease, v.unrenewable = 3, true
	conn := connected(t, storetest.DevNull(t), approle(v))
	began := time.Now()
	require.Eventually(t, func() bool { return v.count(logins) >= 3 }, storetest.Long, storetest.Tick)
	require.GreaterOrEqual(t, time.Since(began), 3*time.Second, "two tokens of 3 s have nearly ended")
	require.NoError(t, conn.Close())
}

// A failed login is tried again in the background, and the log says so without a value.
func TestFailedLoginInTheBackgroundIsTriedAgain(t *testing.T) {
	v := newAuthServer(t)
	v.lease = 1
	log, written := storetest.NewLog(t, logger.WarnLevel)
	conn := connected(t, log, approle(v))
	v.answerLogins(`400 {"errors":["invalid role or secret ID canary"]}`)
	v.revoke()
	require.Eventually(t, func() bool {
		return strings.Contains(written.String(), "no new login succeeded")
	}, storetest.Long, storetest.Tick)
	v.answerLogins("")
	require.Eventually(t, func() bool { return v.count(logins) >= 2 }, storetest.Long, storetest.Tick)
	require.NotContains(t, written.String(), "canary")
	require.NoError(t, conn.Close())
}

func TestTokenOfALoginIsRevokedAtTheEnd(t *testing.T) {
	v := newAuthServer(t)
	conn := connected(t, storetest.DevNull(t), approle(v))
	require.Empty(t, v.revoked)
	require.NoError(t, conn.Close())
	require.Equal(t, []string{"hvs.token-1"}, v.revoked)

	v = newAuthServer(t)
	v.known = "theirs"
	conn = connected(t, storetest.DevNull(t), map[string]string{"vaultAddr": v.URL, "vaultToken": "theirs"})
	require.NoError(t, conn.Close())
	require.Empty(t, v.revoked, "the token of the metadata is not ours")
}

// A Vault that hangs must not keep the process from ending.
func TestRevocationAtTheEndIsGivenUp(t *testing.T) {
	failed := make(chan struct{})
	v := newAuthServer(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/revoke-self") {
			_, _ = io.Copy(io.Discard, r.Body) // the server notices the end of the connection after the body
			select {
			case <-r.Context().Done():
			case <-failed:
			}
			return
		}
		v.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	v.URL = server.URL
	conn := connected(t, storetest.DevNull(t), approle(v))
	closed := make(chan error, 1)
	go func() { closed <- conn.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(longer):
		close(failed)
		require.Fail(t, "Close still waits")
	}
}

// Such a token may be periodic: it ends for ever if nobody renews it.
func TestRenewableTokenOfTheMetadataIsRenewed(t *testing.T) {
	v := newAuthServer(t)
	v.known, v.lease = "theirs", 2
	log, written := storetest.NewLog(t, logger.WarnLevel)
	conn := connected(t, log, map[string]string{"vaultAddr": v.URL, "vaultToken": "theirs"})
	require.Eventually(t, func() bool { return v.count(renewals) >= 2 }, storetest.Long, storetest.Tick)
	v.revoke()
	require.Eventually(t, func() bool {
		return strings.Contains(written.String(), "the token of vaultToken ends")
	}, storetest.Long, storetest.Tick)
	require.Zero(t, v.count(logins))
	require.NoError(t, conn.Close())
}

func TestTokenThatIsNotOursToRenewIsLeftAlone(t *testing.T) {
	file := storetest.FileWith(t, "theirs")
	for name, test := range map[string]struct {
		unrenewable bool
		lease       int
		fields      map[string]string
	}{
		"not renewable":  {true, 1, map[string]string{"vaultToken": "theirs"}},
		"without an end": {false, 0, map[string]string{"vaultToken": "theirs"}},
		"from a file":    {false, 1, map[string]string{"vaultTokenMountPath": file}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newAuthServer(t)
			v.known, v.lease, v.unrenewable = "theirs", test.lease, test.unrenewable
			test.fields["vaultAddr"] = v.URL
			opened := connected(t, storetest.DevNull(t), test.fields)
			if grant := opened.(*conn).current().grant; grant != nil {
				require.Zero(t, grant.secret.Auth.LeaseDuration, "it never ends")
			}
			_, err := opened.Get(t.Context(), "a")
			require.NoError(t, err)
		})
	}
}

func TestClosedStoreRenewsNothing(t *testing.T) {
	v := newAuthServer(t)
	v.lease = 1
	conn := connected(t, storetest.DevNull(t), approle(v))
	require.NoError(t, conn.Close())
	renewed, tokens := v.count(renewals), v.count(logins)
	require.Never(t, func() bool { return v.count(renewals) > renewed+1 || v.count(logins) > tokens }, 2*time.Second, storetest.Tick)
}

func TestWrappedSecretIDIsUnwrappedOnce(t *testing.T) {
	v := newAuthServer(t)
	fields := approle(v)
	delete(fields, "secretID")
	fields["secretIDPath"] = storetest.FileWith(t, "hvs.canary-wrapping\n")
	vault := Type()
	conn, err := vault.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.Equal(t, map[string]any{"role_id": "canary-role", "secret_id": "canary-unwrapped"}, v.body)
	v.revoke()
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err, "the secret ID is kept")
	require.Equal(t, map[string]any{"role_id": "canary-role", "secret_id": "canary-unwrapped"}, v.body)

	again, err := vault.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err, "the Component was edited")
	_, err = again.Get(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, again.Close())

	require.NoError(t, os.WriteFile(fields["secretIDPath"], []byte("s.canary-used"), 0o600))
	v.revoke()
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.Contains(t, credential.RemedyOf(err), "does not unwrap the secret ID")
}

// Whoever may edit a Component could otherwise have the secret ID sent to a server of their own.
func TestSecretIDIsSentOnlyToTheServerThatUnwrappedIt(t *testing.T) {
	v, other := newAuthServer(t), newAuthServer(t)
	fields := approle(v)
	fields["secretID"] = "hvs.canary-wrapping"
	vault := Type()
	conn, err := vault.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	other.asked["sys/wrapping/unwrap"] = 1 // it does not know the token
	fields["vaultAddr"] = other.URL
	_, err = vault.Connect(t.Context(), fields, storetest.DevNull(t))
	storetest.RequireKind(t, credential.Denied, err)
	require.Nil(t, other.body)
}

// The wrapping token is used up, whoever waits for the answer.
func TestSecretIDIsKeptWhenItsCallerLeaves(t *testing.T) {
	v := newAuthServer(t)
	unwrapping, more := make(chan struct{}), make(chan struct{})
	var first sync.Once
	v.behind(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/unwrap") {
			first.Do(func() {
				close(unwrapping)
				<-more
			})
		}
		return false
	})
	fields := approle(v)
	fields["secretID"] = "hvs.canary-wrapping"
	vault := Type()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := vault.Connect(ctx, fields, storetest.DevNull(t))
		left <- err
	}()
	<-unwrapping
	leave()
	require.Error(t, <-left)
	close(more)
	conn, err := vault.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestFilesOfALoginAreReadAgain(t *testing.T) {
	v := newAuthServer(t)
	fields := map[string]string{"vaultAddr": v.URL, "authMethod": "jwt", "jwtPath": storetest.FileWith(t, "first")}
	conn := connected(t, storetest.DevNull(t), fields)
	require.Equal(t, "first", v.body["jwt"])
	require.NoError(t, os.WriteFile(fields["jwtPath"], []byte("second"), 0o600))
	v.revoke()
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "second", v.body["jwt"])
	for _, text := range []string{"", "\n"} {
		require.NoError(t, os.WriteFile(fields["jwtPath"], []byte(text), 0o600))
		v.revoke()
		_, err = conn.Get(t.Context(), "a")
		storetest.RequireKind(t, credential.Unavailable, err)
	}
	require.NoError(t, os.Remove(fields["jwtPath"]))
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
}

func TestMetadataOfALoginAreChecked(t *testing.T) {
	tests := map[string]struct {
		fields map[string]string
		want   string
	}{
		"an unknown method":        {map[string]string{"authMethod": "canary"}, "authMethod must be one of approle, cert, jwt, kubernetes, token, userpass"},
		"approle without a role":   {map[string]string{"authMethod": "approle"}, "roleID is not set: authMethod approle requires it"},
		"two secret IDs":           {map[string]string{"authMethod": "approle", "roleID": "r", "secretID": "canary", "secretIDPath": "/f"}, "both set"},
		"kubernetes without role":  {map[string]string{"authMethod": "kubernetes"}, "role is not set"},
		"jwt without a file":       {map[string]string{"authMethod": "jwt"}, "jwtPath is not set"},
		"cert without a key":       {map[string]string{"authMethod": "cert", "clientCert": "/c"}, "clientKey is not set"},
		"cert over plain HTTP":     {map[string]string{"authMethod": "cert", "clientCert": "/c", "clientKey": "/k", "vaultAddr": "http://h"}, "https://"},
		"userpass without a name":  {map[string]string{"authMethod": "userpass", "password": "canary"}, "username is not set"},
		"a name that is a path":    {map[string]string{"authMethod": "userpass", "username": "../canary", "password": "p"}, "username is not a name"},
		"a name with a slash":      {map[string]string{"authMethod": "userpass", "username": "canary/a", "password": "p"}, "username is not a name"},
		"a token beside a method":  {map[string]string{"authMethod": "userpass", "username": "u", "password": "p", "vaultToken": "canary"}, "vaultToken has no effect with authMethod userpass"},
		"a role beside a token":    {map[string]string{"vaultToken": "t", "roleID": "canary"}, "roleID has no effect with authMethod token: it belongs to approle"},
		"a mount beside a token":   {map[string]string{"vaultToken": "t", "authMountPath": "canary"}, "authMountPath has no effect"},
		"a mount that is no path":  {map[string]string{"authMethod": "jwt", "jwtPath": "/j", "authMountPath": "../canary"}, "authMountPath is not a path"},
		"a namespace that is none": {map[string]string{"vaultToken": "t", "vaultNamespace": "../canary"}, "vaultNamespace is not a namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := prepare(test.fields)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, strings.ReplaceAll(err.Error(), test.want, ""), "canary")
		})
	}
}
