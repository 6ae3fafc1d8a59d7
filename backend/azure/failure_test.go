package azure

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// aadsts is the body of an error of Microsoft Entra ID.
func aadsts(name string, code int) string {
	return fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: canary. Trace ID: canary","error_codes":[%d],"timestamp":"2026-11-28 00:00:00Z"}`, name, code, code)
}

// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func TestFailuresOfEntraIDAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   credential.Kind
		remedy string
	}{
		"a wrong secret":                  {401, aadsts("invalid_client", 7000215), credential.Denied, "the client secret is wrong: azureClientSecret is its value, not its ID (AADSTS7000215)"},
		"an expired secret":               {401, aadsts("invalid_client", 7000222), credential.Denied, "the client secret has expired"},
		"an unknown application":          {400, aadsts("unauthorized_client", 700016), credential.Denied, "the tenant has no such application"},
		"an unknown tenant":               {400, aadsts("invalid_tenant", 90002), credential.Denied, "there is no such tenant"},
		"an unknown certificate":          {401, aadsts("invalid_client", 700027), credential.Denied, "does not have this certificate"},
		"no federated credential":         {400, aadsts("invalid_request", 700213), credential.Denied, "no federated credential"},
		"a disabled application":          {401, aadsts("unauthorized_client", 7000112), credential.Denied, "the application is disabled"},
		"a conditional access policy":     {400, aadsts("access_denied", 53003), credential.Denied, "a conditional access policy"},
		"another refusal":                 {400, aadsts("invalid_scope", 70011), credential.Denied, "refuses the identity: check azureTenantId"},
		"a refusal without a code":        {400, `{"error":"invalid_grant"}`, credential.Denied, "refuses the identity: check azureTenantId"},
		"busy":                            {400, aadsts(busy, 90033), credential.Unavailable, "status 400"},
		"too many requests":               {429, aadsts("invalid_request", 50196), credential.Unavailable, "status 429"},
		"a fault":                         {500, aadsts("server_error", 90000), credential.Unavailable, "status 500"},
		"down":                            {503, "canary", credential.Unavailable, "status 503"},
		"a proxy's 403":                   {403, "<html>canary</html>", credential.Unavailable, "status 403"},
		"a proxy's 401":                   {401, "", credential.Unavailable, "status 401"},
		"a proxy's JSON":                  {403, `{"message":"canary"}`, credential.Unavailable, "status 403"},
		"a page":                          {200, "<html>canary</html>", credential.Unavailable, "no token for Azure"},
		"an answer without a token":       {200, `{"token_type":"Bearer"}`, credential.Unavailable, "no token for Azure"},
		"a redirect":                      {302, "", credential.Unavailable, "status 302"},
		"a body that is more than enough": {400, `{"error":"` + strings.Repeat("x", 3<<20) + `"}`, credential.Unavailable, "no token for Azure"},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			world.Entra.Refuse(test.status, test.body)
			_, err := connect(t, KeyVault(), withSecret())
			storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
			require.Contains(t, credential.RemedyOf(err), test.remedy)
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, test.want == credential.Denied, failure.General && failure.Lapsed, "it says nothing about the secrets")
		})
	}
}

func TestManagedIdentityThatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   credential.Kind
		remedy string
	}{
		"another identity":  {400, `{"error":"invalid_request","error_description":"Identity not found"}`, credential.Denied, "does not have this managed identity"},
		"being updated":     {410, "", credential.Unavailable, "status 410"},
		"too many requests": {429, `{"error":"too_many_requests"}`, credential.Unavailable, "status 429"},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			onMachine(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, test.body, test.status) })
			_, err := connect(t, KeyVault(), map[string]string{"vaultName": azuretest.VaultName, "azureClientId": "app"})
			storetest.RequireKind(t, test.want, err)
			require.Contains(t, credential.RemedyOf(err), test.remedy)
		})
	}
}

// forbidden is the body of a refusal of Key Vault.
func forbidden(text, inner string) string {
	return fmt.Sprintf(`{"error":{"code":"Forbidden","message":%q,"innererror":{"code":%q}}}`, text, inner)
}

const (
	notAuthorized = "Caller is not authorized to perform action on resource.\r\nCaller: appid=canary\r\n" +
		"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '/subscriptions/canary/secrets/canary'\r\nAssignment: (not found)"
	noPermission = "The user, group or application 'appid=canary' does not have secrets get permission on key vault 'canary'."
	noAddress    = "Client address is not authorized and caller is not a trusted service.\r\nClient address: canary"
	notPublic    = "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: canary"
)

// The answers are those of Azure's documentation and of reports by its users:
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
// https://learn.microsoft.com/azure/key-vault/general/common-error-codes
func TestFailuresOfKeyVaultAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		body    string
		want    credential.Kind
		general bool // the refusal is not about the name
		lapsed  bool
		remedy  string
	}{
		"no such secret":             {404, azuretest.SecretNotFound, credential.NotFound, false, false, ""},
		"a deleted secret":           {404, azuretest.SecretNotFound, credential.NotFound, false, false, ""},
		"a disabled secret":          {403, azuretest.SecretDisabled, credential.FailedPrecondition, false, false, "is disabled"},
		"another spelling":           {403, strings.Replace(azuretest.SecretDisabled, "innererror", "innerError", 1), credential.FailedPrecondition, false, false, "is disabled"},
		"an expired secret":          {403, forbidden("Operation get is not allowed on an expired secret.", "SecretExpired"), credential.FailedPrecondition, false, false, "expiration date"},
		"a secret of the future":     {403, forbidden("Operation get is not allowed on a not yet valid secret.", "SecretNotYetValid"), credential.FailedPrecondition, false, false, "activation date"},
		"a role for other secrets":   {403, forbidden(notAuthorized, "ForbiddenByRbac"), credential.Denied, false, false, "Azure answered ForbiddenByRbac"},
		"no access policy":           {403, forbidden(noPermission, "AccessDenied"), credential.Denied, true, false, "no access policy"},
		"no access policy, by text":  {403, forbidden(noPermission, "ForbiddenByPolicy"), credential.Denied, true, false, "no access policy"},
		"no inner code":              {403, `{"error":{"code":"Forbidden","message":"Access denied canary"}}`, credential.Denied, true, false, "no access policy"},
		"an inner code of null":      {403, `{"error":{"code":"Forbidden","message":"canary","innererror":null}}`, credential.Denied, true, false, "no access policy"},
		"an unknown inner code":      {403, forbidden("canary", "canary text"), credential.Denied, true, false, "Azure answered with an unknown error"},
		"the vault's firewall":       {403, forbidden(noAddress, "ForbiddenByFirewall"), credential.Denied, true, true, "the firewall of the vault"},
		"only private connections":   {403, forbidden(notPublic, "ForbiddenByConnection"), credential.Denied, true, true, "the firewall of the vault"},
		"a token of another tenant":  {401, `{"error":{"code":"Unauthorized","message":"AKV10032: Invalid issuer. Expected one of canary"}}`, credential.Denied, true, true, "does not accept the token"},
		"throttling":                 {429, `{"error":{"code":"Throttled","message":"canary","innererror":null}}`, credential.Unavailable, false, false, "Azure answered Throttled"},
		"a fault of the service":     {500, `{"error":{"code":"InternalServerError","message":"canary"}}`, credential.Unavailable, false, false, "Azure answered InternalServerError"},
		"a bad request":              {400, `{"error":{"code":"BadParameter","message":"canary"}}`, credential.Unavailable, false, false, "Azure answered BadParameter"},
		"no such vault":              {404, `{"error":{"code":"VaultNotFound","message":"canary"}}`, credential.Unavailable, false, false, "Azure answered VaultNotFound"},
		"a code with another status": {400, azuretest.SecretNotFound, credential.Unavailable, false, false, "Azure answered SecretNotFound"},
		"a code that is a text":      {400, `{"error":{"code":"canary <html>"}}`, credential.Unavailable, false, false, "Azure answered with an unknown error"},
		"a service that is down":     {503, "canary", credential.Unavailable, false, false, "status 503"},
		"a 404 without a body":       {404, "", credential.Unavailable, false, false, "status 404"},
		"a proxy's 404":              {404, "<html>canary</html>", credential.Unavailable, false, false, "status 404"},
		"a proxy's 403":              {403, "<html><Code>Forbidden</Code>canary</html>", credential.Unavailable, false, false, "status 403"},
		"a proxy's 401":              {401, "<html>canary</html>", credential.Unavailable, false, false, "status 401"},
		"a proxy's login":            {302, "", credential.Unavailable, false, false, "status 302"},
		"a page":                     {200, "<html>canary</html>", credential.Unavailable, false, false, "does not come from"},
		"no content":                 {204, "", credential.Unavailable, false, false, "status 204"},
		"an empty answer":            {200, "{}", credential.Unavailable, false, false, "does not come from Key Vault"},
		"an answer without an ID":    {200, `{"value":"canary"}`, credential.Unavailable, false, false, "does not come from Key Vault"},
		"an answer without a value":  {200, `{"id":"https://canary"}`, credential.Unavailable, false, false, "does not come from Key Vault"},
		"an answer that ends early":  {200, `{"id":"https://canary","value":"`, credential.Unavailable, false, false, "does not come from"},
		"too much of an error":       {403, `{"error":{"code":"` + strings.Repeat("x", 3<<20) + `"}}`, credential.Unavailable, false, false, "does not come from"},
		"too much of a secret":       {200, `{"id":"https://canary","value":"` + strings.Repeat("x", 3<<20) + `"}`, credential.Unavailable, false, false, "does not come from"},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			conn := connected(t, withSecret())
			world.Vault.Answer(test.status, test.body, nil)
			found, err := conn.Get(t.Context(), "canary")
			require.Empty(t, found)
			storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
			require.Contains(t, credential.RemedyOf(err), test.remedy)
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, []bool{test.general, test.lapsed}, []bool{failure.General, failure.Lapsed})
		})
	}
}

func TestThrottledVaultSaysWhenToAskAgain(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "-1": 0, "soon": 0, "99999999999": store.MaxRetryAfter} {
		world.Vault.Answer(http.StatusTooManyRequests, `{"error":{"code":"Throttled"}}`, http.Header{"Retry-After": {header}})
		_, err := conn.Get(t.Context(), "db")
		expected := store.Unavailable(answered("Throttled"))
		if want > 0 {
			expected = store.Unavailable(store.Throttled(answered("Throttled"), want))
		}
		require.Equal(t, expected, err, header)
	}
}

func TestHostWithoutAddressHasARemedy(t *testing.T) {
	err := unanswered(t.Context(), &url.Error{Op: "Get", URL: "https://canary", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary", IsNotFound: true}}})
	require.Equal(t, store.Unavailable(errNoHost), err)
}

func TestUnreachableVaultIsUnavailable(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	world.Cut()
	defer world.Restore()
	_, err := conn.Get(t.Context(), "canary")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
}
