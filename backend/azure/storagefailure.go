package azure

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

const (
	errNoAccount = credential.Remedy("the host of the account does not exist: check the account's name, azureEnvironment and the endpoint")
	errFirewall  = credential.Remedy("the storage account refuses this machine, or all requests of this kind: check the networks, private " +
		"endpoints and addresses that the account and the SAS allow")
	errNoRole = credential.Remedy("the identity or the SAS may not do this: give it a role such as Storage Blob Data Reader or " +
		"Storage Table Data Reader, or the permissions to read and list")
	errNoKeys          = credential.Remedy("the account allows no keys: remove accountKey and connectionString, and use an identity")
	errWrongKey        = credential.Remedy("Azure does not accept the key, the SAS or the token: check the account's name, its key, and azureTenantId")
	errEndedAccess     = credential.Remedy("the SAS or the token has expired, or is not valid yet: check its times, and the clock of this machine")
	errClock           = credential.Remedy("the clock of this machine is wrong")
	errAccountDisabled = credential.Remedy("the account is disabled, or not ready yet: check its state, and the subscription")
)

// storageFailure classifies a failure of Storage. missing are the service's codes for a config that does
// not exist. The error contains neither a name nor Azure's text.
func storageFailure(ctx context.Context, err error, missing ...string) error {
	var (
		response *azcore.ResponseError
		lookup   *net.DNSError
	)
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return store.Unavailable(errNoAccount)
	case !errors.As(err, &response) || response.ErrorCode == "":
		return unanswered(ctx, err)
	case saidCode(err, missing...):
		return store.Absent()
	}
	said := answered(response.ErrorCode)
	switch code := response.ErrorCode; code {
	case "AuthenticationFailed", "InvalidAuthenticationInfo":
		return authenticationFailure(response)
	case "AuthorizationPermissionMismatch":
		return &credential.StoreError{Kind: credential.Denied, Err: store.Explained(errNoRole, said)}
	case "InsufficientAccountPermissions", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch":
		return refused(errNoRole, said)
	case "AuthorizationFailure", "AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch", "PublicAccessNotPermitted":
		return refused(errFirewall, said)
	case "KeyBasedAuthenticationNotPermitted":
		return refused(errNoKeys, said)
	case "NoAuthenticationInformation":
		return refused(errWrongKey, said)
	case "AccountIsDisabled", "AccountBeingCreated":
		return store.Unavailable(store.Explained(errAccountDisabled, said))
	}
	return unavailable(response) // throttling, 5xx, and everything else
}

// refused returns the error for an identity that the service refuses, whatever it asks for.
func refused(why credential.Remedy, said error) error {
	return &credential.StoreError{Kind: credential.Denied, General: true, Err: store.Explained(why, said)}
}

// authenticationFailure classifies a refusal of the key, the SAS or the token. Only the text says
// whether it was accepted once.
func authenticationFailure(response *azcore.ResponseError) error {
	said := answered(response.ErrorCode)
	switch text := textOf(response); {
	case strings.Contains(text, "Request date header"):
		return store.Unavailable(store.Explained(errClock, said))
	case strings.Contains(text, "time frame"), strings.Contains(text, "Lifetime validation failed"), strings.Contains(text, "expired"):
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: store.Explained(errEndedAccess, said)}
	}
	return refused(errWrongKey, said)
}

// textOf returns what a service said beside its code.
func textOf(response *azcore.ResponseError) string {
	if response.RawResponse == nil {
		return ""
	}
	text, _ := runtime.Payload(response.RawResponse)
	return string(text)
}

// unavailable returns the error for an answer that says nothing about what was asked.
func unavailable(response *azcore.ResponseError) error {
	err := error(answered(response.ErrorCode))
	throttles := response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
	if throttles && response.RawResponse != nil {
		err = store.ThrottledBy(err, response.RawResponse.Header.Get("Retry-After"))
	}
	return store.Unavailable(err)
}
