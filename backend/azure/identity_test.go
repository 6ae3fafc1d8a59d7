package azure

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// ownToken is the token of the endpoints that are not Microsoft Entra ID.
const ownToken = "canary-own-token"

// identityEndpoint gives tokens as the endpoints of managed identities do, and keeps the last request.
func identityEndpoint(last *http.Request) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*last = *r
		if r.Header.Get("Metadata") == "" && r.Header.Get("X-Identity-Header") == "" {
			http.Error(w, `{"error":"invalid_request","error_description":"Required metadata header not specified"}`, http.StatusBadRequest)
			return
		}
		in := time.Now().Add(200 * time.Second).Unix() // the SDK keeps a token of five minutes for the whole process
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_on":"%d","resource":"https://vault.azure.net","token_type":"Bearer"}`, ownToken, in)
	}
}

// azCLI puts an az that answers with a token in front of PATH.
func azCLI(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "az"), []byte("#!/bin/sh\n"+script), 0o700))
	t.Setenv("PATH", folder)
}

const azToken = `echo '{"accessToken":"` + ownToken + `","expires_on":4102444800}'` + "\n"

// claims are the claims of a client's assertion.
func claims(t *testing.T, form url.Values) map[string]any {
	t.Helper()
	require.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form.Get("client_assertion_type"))
	parts := strings.Split(form.Get("client_assertion"), ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var found map[string]any
	require.NoError(t, json.Unmarshal(text, &found))
	return found
}

func TestIdentitiesGetTheirTokens(t *testing.T) {
	pfx, err := os.ReadFile("testdata/certificate.pfx")
	require.NoError(t, err)
	pem := storetest.FileWith(t, rsaCertificate(t))
	assertion := storetest.FileWith(t, "canary-jwt")
	var last http.Request
	app := httptest.NewServer(identityEndpoint(&last))
	t.Cleanup(app.Close)
	byAssertion := func(t *testing.T, form url.Values) {
		require.Equal(t, "app", claims(t, form)["iss"])
	}
	none := func(t *testing.T, _ url.Values) {
		require.Equal(t, "https://vault.azure.net", last.URL.Query().Get("resource"))
	}
	for name, test := range map[string]struct {
		environment map[string]string
		fields      []string
		token       string
		check       func(t *testing.T, form url.Values) // the request to Microsoft Entra ID
	}{
		"a client secret": {nil, nil, azuretest.Token(1), func(t *testing.T, form url.Values) {
			require.Equal(t, []string{"client_credentials", "app", "canary-secret"},
				[]string{form.Get("grant_type"), form.Get("client_id"), form.Get("client_secret")})
			require.Contains(t, form.Get("scope"), "https://vault.azure.net/.default")
		}},
		"a client secret before everything else": {
			map[string]string{"IDENTITY_ENDPOINT": app.URL, "IDENTITY_HEADER": "canary"},
			nil, azuretest.Token(1),
			func(t *testing.T, form url.Values) { require.Equal(t, "canary-secret", form.Get("client_secret")) },
		},
		"a certificate in a file": {nil, []string{"azureClientSecret", "", "azureCertificateFile", pem}, azuretest.Token(1), byAssertion},
		"a PFX in a file": {
			nil,
			[]string{"azureClientSecret", "", "azureCertificateFile", "testdata/certificate.pfx", "azureCertificatePassword", "pfx-password"},
			azuretest.Token(1), byAssertion,
		},
		"a PFX in the metadata": {
			nil,
			[]string{"azureClientSecret", "", "azureCertificate", base64.StdEncoding.EncodeToString(pfx), "azureCertificatePassword", "pfx-password"},
			azuretest.Token(1), byAssertion,
		},
		"a workload identity": {
			map[string]string{tokenFile: assertion, clientID: "pod", tenantID: azuretest.Tenant},
			[]string{"azureClientSecret", "", "azureClientId", "", "azureTenantId", ""},
			azuretest.Token(1),
			func(t *testing.T, form url.Values) {
				require.Equal(t, []string{"pod", "canary-jwt"}, []string{form.Get("client_id"), form.Get("client_assertion")})
			},
		},
		"the identity of App Service": {
			map[string]string{"IDENTITY_ENDPOINT": app.URL, "IDENTITY_HEADER": "canary-header"},
			[]string{"azureClientSecret", ""},
			ownToken,
			func(t *testing.T, form url.Values) {
				none(t, form)
				require.Equal(t, []string{"canary-header", "app"}, []string{last.Header.Get("X-Identity-Header"), last.URL.Query().Get("client_id")})
			},
		},
		"the identity of a virtual machine": {
			nil,
			[]string{"azureClientSecret", "", "azureClientId", ""},
			ownToken,
			func(t *testing.T, form url.Values) {
				none(t, form)
				require.Equal(t, []string{"true", "169.254.169.254"}, []string{last.Header.Get("Metadata"), last.Host})
			},
		},
		"the Azure CLI": {
			map[string]string{"PATH": ""}, []string{"azureClientSecret", "", "azureAuthMethods", "cli"}, ownToken, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			onMachine(t, identityEndpoint(&last))
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			if slices.Contains(test.fields, "cli") {
				azCLI(t, `[ "$*" = "account get-access-token -o json --resource https://vault.azure.net" ] ||`+
					` [ "$*" = "account get-access-token -o json --resource https://vault.azure.net --tenant `+azuretest.Tenant+`" ] || exit 1`+"\n"+azToken)
			}
			world.Vault.Put("db", "pw")
			conn := connected(t, withSecret(test.fields...))
			entries, err := conn.Get(t.Context(), "db")
			require.NoError(t, err, "%v", errors.Unwrap(err))
			require.Equal(t, map[string]string{"db": "pw"}, entries)
			require.Equal(t, []string{"", test.token}, world.Vault.Tokens(), "the first request has no token")
			asked, path, form := world.Entra.Asked()
			if test.token != ownToken {
				require.Equal(t, 1, asked)
				require.Equal(t, "/"+azuretest.Tenant+"/oauth2/v2.0/token", path)
			} else {
				require.Zero(t, asked)
			}
			if test.check != nil {
				test.check(t, form)
			}
			_, err = conn.Get(t.Context(), "db")
			require.NoError(t, err)
			require.Equal(t, []string{"", test.token, test.token}, world.Vault.Tokens())
		})
	}
}

func TestNextMethodIsTriedIfAMachineHasNoIdentity(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"nothing answers": nil,
		"no identity is assigned": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"invalid_request","error_description":"Identity not found"}`, http.StatusBadRequest)
		},
		"something else answers": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			if answer != nil {
				onMachine(t, answer)
			}
			azCLI(t, azToken)
			world.Vault.Put("db", "pw")
			began := time.Now()
			_, err := connected(t, map[string]string{"vaultName": azuretest.VaultName}).Get(t.Context(), "db")
			require.NoError(t, err, "%v", errors.Unwrap(err))
			require.Less(t, time.Since(began), identityTimeout/2)
			require.Equal(t, ownToken, world.Vault.Tokens()[1])
		})
	}
}

func TestHostedComponentDoesNotRunAz(t *testing.T) {
	lonely(t)
	azCLI(t, azToken)
	t.Setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("IDENTITY_HEADER", "canary")
	_, err := connect(t, KeyVault(), map[string]string{"vaultName": azuretest.VaultName})
	storetest.RequireKind(t, credential.Unavailable, err)
}

func TestIdentityThatIsSetUpIsNotReplacedByAnother(t *testing.T) {
	lonely(t)
	var last http.Request
	onMachine(t, identityEndpoint(&last))
	azCLI(t, azToken)
	world.Entra.Refuse(http.StatusServiceUnavailable, "<html>canary</html>")
	_, err := connect(t, KeyVault(), withSecret())
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Nil(t, last.URL)
}

func TestIdentityThatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		methods   string
		permanent bool
		remedy    string
	}{
		"nothing is there":              {"", false, "no token for Azure"},
		"only a secret is allowed":      {"clientCredentials", true, "azureAuthMethods allows no method"},
		"everything is disabled":        {"mi, none", true, "azureAuthMethods allows no method"},
		"az is not there":               {"cli", false, "no token for Azure"},
		"a workload identity elsewhere": {"workloadIdentity", true, "azureAuthMethods allows no method"},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			_, err := connect(t, KeyVault(), map[string]string{"vaultName": azuretest.VaultName, "azureAuthMethods": test.methods})
			require.Equal(t, test.permanent, errors.As(err, new(*store.PermanentError)))
			require.Contains(t, credential.RemedyOf(err), test.remedy)
			if !test.permanent {
				storetest.RequireKind(t, credential.Unavailable, err)
			}
		})
	}
}
