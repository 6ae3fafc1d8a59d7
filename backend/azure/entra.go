package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

const (
	errIdentity = credential.Remedy("no token for Azure: set azureTenantId, azureClientId and azureClientSecret, or give the process an " +
		"identity (workload identity, managed identity, az login), and check that it reaches Microsoft Entra ID")
	errRefused = credential.Remedy("Microsoft Entra ID refuses the identity: check azureTenantId, azureClientId, and the secret, certificate " +
		"or federated credential")
	errUnassigned = credential.Remedy("the machine does not have this managed identity: check azureClientId, and assign the identity to the machine")
)

// refusals are what to do about codes of Microsoft Entra ID:
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
var refusals = map[int]credential.Remedy{
	90002:   "there is no such tenant: check azureTenantId and azureEnvironment",
	900023:  "there is no such tenant: check azureTenantId and azureEnvironment",
	700016:  "the tenant has no such application: check azureClientId and azureTenantId",
	7000112: "the application is disabled",
	7000215: "the client secret is wrong: azureClientSecret is its value, not its ID",
	7000222: "the client secret has expired: create another one",
	700027:  "the application does not have this certificate, or it has expired: check azureCertificate",
	700024:  "the certificate or the token of the service account is not valid now: check the clock of this machine",
	70021:   errFederated,
	700211:  errFederated,
	700212:  errFederated,
	700213:  errFederated,
	53003:   "a conditional access policy blocks the identity",
}

const errFederated = credential.Remedy("no federated credential of the application fits the service account: check its issuer, subject and audience")

// busy is the error of Microsoft Entra ID that asks to try again.
const busy = "temporarily_unavailable"

// identityFailure classifies a failure to get a token. A refusal is Lapsed, because it says nothing
// about the secrets.
func identityFailure(ctx context.Context, err error) error {
	var stored *credential.StoreError
	if errors.As(err, &stored) {
		return stored
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return store.Failed(ctx.Err())
	}
	failed := answeredWith(err)
	if failed == nil {
		return store.Unavailable(errIdentity)
	}
	status := failed.RawResponse.StatusCode
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		if why := refusal(failed.RawResponse); why != "" {
			return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: why}
		}
	}
	return store.Unavailable(credential.Remedy(fmt.Sprintf("no token for Azure: the answer has status %d", status)))
}

// refusal returns why an endpoint refuses a token; "" if the answer is not that of an endpoint, or
// asks to try again.
func refusal(answer *http.Response) credential.Remedy {
	body, err := runtime.Payload(answer)
	if err != nil {
		return ""
	}
	var said struct {
		Error      string `json:"error"`
		Codes      []int  `json:"error_codes"`
		StatusCode int    `json:"statusCode"` // App Service has this in the place of an error
	}
	switch err := json.Unmarshal(body, &said); {
	case err != nil, said.Error == "" && said.StatusCode == 0, said.Error == busy:
		return ""
	case len(said.Codes) == 0 && answer.Request != nil && answer.Request.URL.Scheme == "http": // of a managed identity
		return errUnassigned
	case len(said.Codes) == 0:
		return errRefused
	}
	for _, code := range said.Codes {
		if why := refusals[code]; why != "" {
			return credential.Remedy(fmt.Sprintf("Microsoft Entra ID refuses the identity: %s (AADSTS%d)", why, code))
		}
	}
	return credential.Remedy(fmt.Sprintf("%s (AADSTS%d)", errRefused, said.Codes[0]))
}

// answeredWith returns the SDK's error for the answer of an endpoint; nil if there was no answer.
func answeredWith(err error) *azidentity.AuthenticationFailedError {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return failed
	}
	return nil
}
