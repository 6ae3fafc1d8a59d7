package azure

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

const (
	errNotVault = credential.Remedy("the answer does not come from Key Vault, or is incomplete: check vaultName")
	errDisabled = credential.Remedy("the secret, or this version of it, is disabled: enable it")
	errLifetime = credential.Remedy("Key Vault does not answer the secret outside the time between its activation date and its expiration date")
	errNetwork  = credential.Remedy("the firewall of the vault refuses this machine: allow its network, or use a private endpoint")
	errPolicy   = credential.Remedy("no access policy of the vault gives the identity the permission \"get\" for secrets")
	errToken    = credential.Remedy("Key Vault does not accept the token of the identity: check that the vault belongs to the tenant of the identity")
)

// vaultAnswer is the body of an answer that is not 200. Some answers say innerError.
type vaultAnswer struct {
	Error struct {
		Code  string `json:"code"`
		Inner struct {
			Code string `json:"code"`
		} `json:"innererror"`
	} `json:"error"`
}

// vaultFailure classifies a failure to read a secret. The status and its code do not tell the
// refusals apart; the inner code does. A deleted secret counts as missing, although it may be
// recovered, as a deleted version does in Vault.
func vaultFailure(ctx context.Context, err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return unanswered(ctx, err)
	}
	body, unread := runtime.Payload(response.RawResponse)
	var said vaultAnswer
	if unread != nil || json.Unmarshal(body, &said) != nil || said.Error.Code == "" {
		return unanswered(ctx, err)
	}
	switch code := said.Error.Code; {
	case code == "SecretNotFound" && response.StatusCode == http.StatusNotFound:
		return store.Absent()
	case response.StatusCode == http.StatusUnauthorized:
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: errToken}
	case response.StatusCode == http.StatusForbidden:
		return vaultRefusal(code, said.Error.Inner.Code)
	default: // throttling, 5xx, and everything else
		return store.Unavailable(store.ThrottledBy(answered(code), response.RawResponse.Header.Get("Retry-After")))
	}
}

// vaultRefusal classifies a status 403. Roles may be about one secret, access policies are about all.
func vaultRefusal(code, inner string) error {
	if inner == "" {
		inner = code
	}
	refused := func(general, lapsed bool, why error) error {
		return &credential.StoreError{Kind: credential.Denied, General: general, Lapsed: lapsed, Err: why}
	}
	switch inner {
	case "SecretDisabled":
		return store.Unable(errDisabled)
	case "SecretExpired", "SecretNotYetValid":
		return store.Unable(errLifetime)
	case "ForbiddenByRbac":
		return refused(false, false, answered(inner))
	case "ForbiddenByFirewall", "ForbiddenByConnection", "ForbiddenByNsp": // it says nothing about the secrets
		return refused(true, true, store.Explained(errNetwork, answered(inner)))
	case "AccessDenied", "ForbiddenByPolicy", "Forbidden":
		return refused(true, false, store.Explained(errPolicy, answered(inner)))
	}
	return refused(true, false, answered(inner))
}

// challenges refuses a challenge without a tenant, at which the SDK would panic.
type challenges struct{}

var _ policy.Policy = challenges{}

// Do implements policy.Policy.
func (challenges) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(response.Header.Get("WWW-Authenticate"), "Bearer ", ""), " ") { // as the SDK does
		name, value, _ := strings.Cut(part, "=")
		if name == "authorization" && strings.Count(value, "/") < 3 {
			return nil, errors.Join(store.Unavailable(errNotVault), response.Body.Close())
		}
	}
	return response, nil
}
