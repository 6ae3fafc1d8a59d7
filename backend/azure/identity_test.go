package azure

import (
	"context"
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

func TestTenantMayBeADomain(t *testing.T) {
	lonely(t)
	world.Vault.Put("db", "pw")
	_, err := connected(t, withSecret("azureTenantId", "team.example.com")).Get(t.Context(), "db")
	require.NoError(t, err, "%v", errors.Unwrap(err))
	_, path, _ := world.Entra.Asked()
	require.Equal(t, "/team.example.com/oauth2/v2.0/token", path)
}

func TestAuthorityIsThatOfTheCloudOrTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		authority string
		fields    []string
		host      string
		discovery bool // whether Microsoft is asked about the authority
	}{
		"the public cloud":          {"", nil, "login.microsoftonline.com", true},
		"the webhook's environment": {"https://login.chinacloudapi.cn/", nil, "login.chinacloudapi.cn", true},
		"the metadata's cloud first": {
			"https://login.microsoftonline.com/", []string{"vaultName", "https://" + azuretest.VaultName + ".vault.azure.cn/"}, "login.chinacloudapi.cn", true,
		},
		"a private cloud": {"https://login.example.com/", nil, "login.example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			t.Setenv(authorityHost, test.authority)
			hosts := map[string]bool{}
			discovery := false
			for _, host := range []string{"login.microsoftonline.com", "login.chinacloudapi.cn", "login.example.com"} {
				world.Handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					hosts[r.Host] = true
					discovery = discovery || strings.HasSuffix(r.URL.Path, "/discovery/instance")
					world.Entra.ServeHTTP(w, r)
				}))
				t.Cleanup(func() { world.Handle(host, world.Entra) })
			}
			connected(t, withSecret(test.fields...))
			require.Equal(t, map[string]bool{test.host: true}, hosts)
			require.Equal(t, test.discovery, discovery)
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

func TestAuthorityWithoutTLSIsRefused(t *testing.T) {
	for _, address := range []string{"http://login.example.com/", "login.example.com", "https://canary%zz"} {
		lonely(t)
		t.Setenv(authorityHost, address)
		_, err := connect(t, KeyVault(), withSecret())
		require.ErrorAs(t, err, new(*store.PermanentError))
		require.Contains(t, credential.RemedyOf(err), "AZURE_AUTHORITY_HOST is not an address with https")
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestFilesOfAnIdentityAreReadAgain(t *testing.T) {
	for name, setUp := range map[string]struct {
		fields  func(file string) []string
		content func(t *testing.T) string
		remedy  string
	}{
		"a certificate": {
			func(file string) []string { return []string{"azureClientSecret", "", "azureCertificateFile", file} }, rsaCertificate, "azureCertificateFile cannot be read",
		},
		"a token of a service account": {
			func(file string) []string {
				return []string{"azureClientSecret", "", "azureClientId", "", "azureTenantId", "", "file", file}
			},
			func(t *testing.T) string { t.Helper(); return "canary-" + rsaCertificate(t)[100:120] }, "AZURE_FEDERATED_TOKEN_FILE cannot be read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			file := filepath.Join(t.TempDir(), "file")
			t.Setenv(tokenFile, file)
			t.Setenv(clientID, "app")
			t.Setenv(tenantID, azuretest.Tenant)
			fields := withSecret(setUp.fields(file)...)
			delete(fields, "file")

			_, err := connect(t, KeyVault(), fields)
			storetest.RequireKind(t, credential.Unavailable, err)
			require.Contains(t, credential.RemedyOf(err), setUp.remedy)
			require.NotContains(t, errors.Unwrap(err).Error(), file)

			storetest.ReplaceFile(t, file, setUp.content(t))
			world.Entra.Live(1) // so that the SDK does not keep a token
			identity := identified(t, fields)
			proof := func() string {
				_, err := identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
				require.NoError(t, err)
				_, _, form := world.Entra.Asked()
				return form.Get("client_assertion")
			}
			first := keyOf(t, proof())
			storetest.ReplaceFile(t, file, setUp.content(t))
			second := keyOf(t, proof())
			require.NotEqual(t, first, second)
			require.NoError(t, os.Remove(file))
			require.Equal(t, second, keyOf(t, proof()))

			world.Entra.Refuse(http.StatusUnauthorized, aadsts("invalid_client", 700024))
			_, err = identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
			storetest.RequireKind(t, credential.Unavailable, err, "the file may have a new one")
			require.Contains(t, credential.RemedyOf(err), setUp.remedy)
			storetest.ReplaceFile(t, file, setUp.content(t))
			_, err = identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
			storetest.RequireKind(t, credential.Denied, err)
			world.Entra.Reset()
			world.Entra.Live(1)
			second = keyOf(t, proof())
			storetest.ReplaceFile(t, file, "")
			if name == "a certificate" {
				require.Equal(t, second, keyOf(t, proof()), "half a file")
			}
		})
	}
}

func TestIrregularFilesOfAnIdentityAreNotRead(t *testing.T) {
	lonely(t)
	for _, file := range append(storetest.Irregular(t), storetest.Huge(t)) {
		_, err := connect(t, KeyVault(), withSecret("azureClientSecret", "", "azureCertificateFile", file))
		storetest.RequireKind(t, credential.Unavailable, err)
	}
	_, err := connect(t, KeyVault(), withSecret("azureClientSecret", "", "azureCertificateFile", storetest.FileWith(t, "canary")))
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Contains(t, credential.RemedyOf(err), "the client certificate cannot be used")
}

func TestHangingEntraIDEndsWithTheDeadline(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	world.Vault.Put("db", "pw")
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	release := world.Entra.Hang()
	defer release()
	// A vault that refuses a token makes the SDK get another one.
	world.Vault.Answer(http.StatusUnauthorized, azuretest.Unauthenticated, http.Header{"Www-Authenticate": {
		`Bearer authorization="https://login.microsoftonline.com/` + azuretest.Tenant + `", error="insufficient_claims", claims="e30="`,
	}})
	failed := make(chan error)
	for range 3 {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := conn.Get(ctx, "db")
			failed <- err
		}()
	}
	for range 3 {
		storetest.RequireKind(t, credential.Timeout, <-failed)
	}
	release()
	world.Vault.Reset()
	_, err = conn.Get(t.Context(), "db")
	require.NoError(t, err)
}

func TestTokenIsKeptWhileItCannotBeRenewed(t *testing.T) {
	lonely(t)
	world.Vault.Put("db", "pw")
	world.Entra.Live(299) // less than five minutes: the SDK renews it with the next request
	conn := connected(t, withSecret())
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	asked, _, _ := world.Entra.Asked()
	world.Entra.Refuse(http.StatusServiceUnavailable, "<html>canary</html>")
	before := world.Vault.Tokens()
	for range 3 {
		_, err = conn.Get(t.Context(), "db")
		require.NoError(t, err, "the token is still valid")
	}
	for _, token := range world.Vault.Tokens()[len(before):] {
		require.Equal(t, before[len(before)-1], token)
	}
	again, _, _ := world.Entra.Asked()
	require.LessOrEqual(t, again-asked, 1, "one attempt in 30 seconds")
}
