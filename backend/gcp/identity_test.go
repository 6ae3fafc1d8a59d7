package gcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// keyFile returns the JSON file of a service account's key.
func keyFile(tokens string) string {
	text, _ := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "canary-id", "private_key": privateKey,
		"client_email": "canary@p.iam.gserviceaccount.com", "token_uri": tokens + "/token",
	})
	return string(text)
}

// federated returns the JSON file of a federated identity. more are further fields.
func federated(tokens, source, more string) string {
	return `{"type":"external_account","audience":"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/w/providers/k",` +
		`"subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"` + tokens + `/sts","credential_source":` + source + more + `}`
}

func TestIdentitiesOfTheEnvironmentAreFound(t *testing.T) {
	jwtFile := storetest.FileWith(t, "canary-jwt")
	script := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(script, []byte(`#!/bin/sh
echo '{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"canary-program","expiration_time":4102444800}'
`), 0o700))
	fromFile := `{"file":"` + jwtFile + `"}`
	for name, test := range map[string]struct {
		file   string // that GOOGLE_APPLICATION_CREDENTIALS names; {URL} is that of the endpoints
		gcloud string // of gcloud
		set    func(t *testing.T, fields map[string]string, plain string)
		token  string
		check  func(*testing.T, *gcptest.Tokens)
	}{
		"a key in the metadata": {
			set: func(t *testing.T, fields map[string]string, _ string) {
				for name, value := range keyed(t, nil) {
					fields[name] = value
				}
			},
			token: keyToken,
		},
		"a key in a file": {
			file: keyFile("{URL}"), token: keyToken,
			check: func(t *testing.T, tokens *gcptest.Tokens) {
				form, _, _ := tokens.Last()
				claims := jwt.MapClaims{}
				_, _, err := jwt.NewParser().ParseUnverified(form.Get("assertion"), claims)
				require.NoError(t, err)
				require.Equal(t, []any{"canary@p.iam.gserviceaccount.com", scope}, []any{claims["iss"], claims["scope"]})
			},
		},
		"workload identity federation": {
			file: federated("{URL}", fromFile, ""), token: "token-of-sts",
			check: func(t *testing.T, tokens *gcptest.Tokens) {
				form, _, _ := tokens.Last()
				require.Equal(t, []string{"canary-jwt", scope}, []string{form.Get("subject_token"), form.Get("scope")})
			},
		},
		"federation and impersonation": {
			file: federated("{URL}", fromFile,
				`,"service_account_impersonation_url":"{URL}/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken"`),
			token: "token-of-impersonation",
			check: func(t *testing.T, tokens *gcptest.Tokens) {
				_, header, _ := tokens.Last()
				require.Equal(t, "Bearer token-of-sts", header.Get("Authorization"))
			},
		},
		"a program, where it is allowed": {
			file: federated("{URL}", `{"executable":{"command":"`+script+`","timeout_millis":5000}}`, ""), token: "token-of-sts",
			set: func(t *testing.T, _ map[string]string, _ string) {
				t.Setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
			},
			check: func(t *testing.T, tokens *gcptest.Tokens) {
				form, _, _ := tokens.Last()
				require.Equal(t, "canary-program", form.Get("subject_token"))
			},
		},
		"the file of gcloud": {gcloud: keyFile("{URL}"), token: keyToken},
		"the metadata server": {
			set:   func(t *testing.T, _ map[string]string, plain string) { t.Setenv("GCE_METADATA_HOST", plain) },
			token: "token-of-metadata",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tokens, address := newTokens(t)
			plain := httptest.NewServer(tokens)
			t.Cleanup(plain.Close)
			home := t.TempDir()
			t.Setenv("HOME", home)
			fields := map[string]string{"project_id": gcptest.Project}
			if test.file != "" {
				t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", storetest.FileWith(t, strings.ReplaceAll(test.file, "{URL}", address)))
			}
			if test.gcloud != "" {
				folder := filepath.Join(home, ".config", "gcloud")
				require.NoError(t, os.MkdirAll(folder, 0o700))
				storetest.ReplaceFile(t, filepath.Join(folder, "application_default_credentials.json"), strings.ReplaceAll(test.gcloud, "{URL}", address))
			}
			if test.set != nil {
				test.set(t, fields, strings.TrimPrefix(plain.URL, "http://"))
			}
			m, err := gcptest.NewSecretManager(authority.Server, test.token)
			require.NoError(t, err)
			t.Cleanup(m.Stop)
			m.Put("db", "pw")
			fields["endpoint"] = "https://" + m.Address
			_, err = connected(t, SecretManager(), fields).Get(t.Context(), "db")
			require.NoError(t, err, "%v", errors.Unwrap(err))
			if test.check != nil {
				test.check(t, tokens)
			}
		})
	}
}

// redirected sends all requests to one server.
type redirected struct{ to string }

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := url.Parse(r.to)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(req)
}

func TestIdentityOfAPersonHasItsQuotaProject(t *testing.T) {
	tokens := &gcptest.Tokens{}
	server := httptest.NewServer(tokens)
	t.Cleanup(server.Close)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", storetest.FileWith(t,
		`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"canary-refresh","quota_project_id":"billed"}`))
	i := newIdentity(settings{}, &http.Client{Transport: redirected{server.URL}})
	t.Cleanup(i.end)
	got, err := i.token(t.Context())
	require.NoError(t, err, "%v", errors.Unwrap(err))
	require.Equal(t, []string{"token-of-user", "billed"}, []string{got.Value, got.quotaProject})
	form, _, _ := tokens.Last()
	require.Equal(t, "canary-refresh", form.Get("refresh_token"))
}

func TestQuotaProjectIsSent(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "pw")
	conn.identity.last.quotaProject = "billed"
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	header, _ := m.Last()
	require.Equal(t, []string{"billed"}, header.Get("x-goog-user-project"))
}

func TestIdentityThatIsRefusedOrMissing(t *testing.T) {
	tokens, address := newTokens(t)
	jwtFile := storetest.FileWith(t, "canary-jwt")
	const invalid = `{"error":"invalid_grant","error_description":"Invalid JWT Signature. canary"}`
	for name, test := range map[string]struct {
		file   string
		status int
		body   string
		want   credential.Kind
	}{
		"a key that was deleted":          {keyFile(address), 400, invalid, credential.Denied},
		"a federated identity":            {federated(address, `{"file":"`+jwtFile+`"}`, ""), 400, invalid, credential.Denied},
		"an endpoint that is down":        {keyFile(address), 503, "canary", credential.Unavailable},
		"a page of a proxy":               {keyFile(address), 403, "<html>canary</html>", credential.Unavailable},
		"a page for a federated identity": {federated(address, `{"file":"`+jwtFile+`"}`, ""), 403, "<html>canary</html>", credential.Unavailable},
		"an answer without a token":       {keyFile(address), 200, `{"canary":"x"}`, credential.Unavailable},
		"an endpoint that nobody serves":  {keyFile("https://127.0.0.1:1"), 0, "", credential.Unavailable},
		"a file that is no JSON":          {"canary", 0, "", credential.Unavailable},
		"a file of an unknown type":       {`{"type":"canary"}`, 0, "", credential.Unavailable},
		"a program, without consent":      {federated(address, `{"executable":{"command":"/bin/true canary"}}`, ""), 0, "", credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			tokens.Answer(test.status, test.body)
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", storetest.FileWith(t, test.file))
			_, err := SecretManager().Connect(t.Context(), map[string]string{"project_id": "p"}, storetest.DevNull(t))
			storetest.RequireKind(t, test.want, err)
			require.True(t, credential.IsOutage(err), "it says nothing about the secrets")
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
		})
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/canary/none")
	_, err := SecretManager().Connect(t.Context(), map[string]string{"project_id": "p"}, storetest.DevNull(t))
	require.Equal(t, string(errIdentity), credential.RemedyOf(err))
}

func TestTokenThatIsNotAcceptedIsReplaced(t *testing.T) {
	m, err := gcptest.NewSecretManager(authority.Server, "token-of-tomorrow")
	require.NoError(t, err)
	t.Cleanup(m.Stop)
	conn := connected(t, SecretManager(), keyed(t, map[string]string{"endpoint": "https://" + m.Address})).(*managerConn)
	first := conn.identity.last.Token
	_, err = conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Denied, err)
	require.Same(t, first, conn.identity.last.Token, "it is new")
	conn.identity.tried = time.Now().Add(-renewPause)
	for range 2 {
		_, err = conn.Get(t.Context(), "db")
		storetest.RequireKind(t, credential.Denied, err)
	}
	require.NotSame(t, first, conn.identity.last.Token)
}

func TestTokensAreNeverLogged(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	_, address := newTokens(t)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", storetest.FileWith(t, keyFile(address)))
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	stderr := os.Stderr
	os.Stderr = log
	t.Cleanup(func() { os.Stderr = stderr })
	i := newIdentity(settings{}, tokenClient())
	t.Cleanup(i.end)
	_, err = i.token(t.Context())
	require.NoError(t, err)
	text, err := os.ReadFile(log.Name())
	require.NoError(t, err)
	require.Empty(t, string(text))
	require.NoError(t, log.Close())
}
