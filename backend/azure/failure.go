package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

var word = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// answered returns the error for a code. A code that no service sends may be any text.
func answered(code string) credential.Remedy {
	if !word.MatchString(code) {
		code = "with an unknown error"
	}
	return credential.Remedy("Azure answered " + code)
}

const errNotAzure = credential.Remedy("the answer does not come from the Azure service, or is incomplete: check the names and the endpoint")

// unanswered classifies a request that got no answer that the SDK understands.
func unanswered(ctx context.Context, err error) error {
	var (
		stored   *credential.StoreError
		refused  *azidentity.AuthenticationFailedError
		response *azcore.ResponseError
		network  *url.Error
	)
	switch {
	case errors.As(err, &stored): // of our own identity
		return stored
	case errors.As(err, &refused):
		return identityFailure(ctx, err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return store.Failed(ctx.Err())
	case errors.As(err, &network):
		return store.Unanswered(err, errNotAzure)
	case errors.As(err, &response):
		return store.Unavailable(credential.Remedy(fmt.Sprintf("the answer with status %d does not come from the Azure service: "+
			"check the names and the endpoint", response.StatusCode)))
	}
	return store.Unavailable(errNotAzure)
}

const (
	errIdentity = credential.Remedy("no identity for Azure: set azureTenantId, azureClientId and azureClientSecret, or give the process an " +
		"identity (workload identity, managed identity)")
	errRefused = credential.Remedy("Microsoft Entra ID refuses the identity: check azureTenantId, azureClientId, and the secret, certificate " +
		"or federated credential")
)

// identityFailure classifies a failure to get a token. A refusal is Lapsed, because it says nothing
// about the secrets.
func identityFailure(ctx context.Context, err error) error {
	var (
		stored  *credential.StoreError
		refused *azidentity.AuthenticationFailedError
	)
	if errors.As(err, &stored) {
		return stored
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return store.Failed(ctx.Err())
	}
	if errors.As(err, &refused) && refused.RawResponse != nil {
		switch refused.RawResponse.StatusCode {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
			return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: errRefused}
		}
	}
	return store.Unavailable(errIdentity)
}
