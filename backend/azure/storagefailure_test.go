package azure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>`

// saidByBlobs is the body of an error of Blob Storage.
func saidByBlobs(code, detail string) string {
	return fmt.Sprintf(xmlHead+"<Error><Code>%s</Code><Message>canary\nRequestId:canary\nTime:2026-11-28T00:00:00.0000000Z</Message>"+
		"<AuthenticationErrorDetail>%s</AuthenticationErrorDetail></Error>", code, detail)
}

func openBlobs(t *testing.T, url string) store.ConfigConn {
	t.Helper()
	return openConfigs(t, Blob(), blobFields(url))
}

// https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
// https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
func TestFailuresOfBlobStorageAreToldApart(t *testing.T) {
	cases := storageCases(saidByBlobs)
	for name, test := range map[string]storageCase{
		"no such blob":                        {404, saidByBlobs("BlobNotFound", ""), credential.NotFound, false, false, nil},
		"no such container":                   {404, saidByBlobs("ContainerNotFound", ""), credential.Unavailable, false, false, errNoContainer},
		"a container that is being deleted":   {409, saidByBlobs("ContainerBeingDeleted", ""), credential.Unavailable, false, false, errNoContainer},
		"archived":                            {409, saidByBlobs("BlobArchived", ""), credential.FailedPrecondition, false, false, errArchived},
		"not restored yet":                    {409, saidByBlobs("BlobBeingRehydrated", ""), credential.FailedPrecondition, false, false, errArchived},
		"a key of encryption that we lack":    {409, saidByBlobs("BlobUsesCustomerSpecifiedEncryption", ""), credential.FailedPrecondition, false, false, errForeignKey},
		"a 404 that is about something else":  {404, saidByBlobs("ResourceNotFound", ""), credential.Unavailable, false, false, nil},
		"a page without an ETag":              {200, "<html>canary</html>", credential.Unavailable, false, false, errNotAzure},
		"a 404 of the service without a code": {404, "canary", credential.Unavailable, false, false, nil},
	} {
		cases[name] = test
	}
	runStorageCases(t, openBlobs, cases)
}

// storageCases are the answers that the services of Storage share.
func storageCases(said func(code, detail string) string) map[string]storageCase {
	return map[string]storageCase{
		"a wrong key": {
			403, said("AuthenticationFailed", "The MAC signature found in the HTTP request 'canary' is not the same as any computed signature."),
			credential.Denied, true, false, errWrongKey,
		},
		"a wrong SAS": {403, said("AuthenticationFailed", "Signature did not match. String to sign used was canary"), credential.Denied, true, false, errWrongKey},
		"an expired SAS": {
			403, said("AuthenticationFailed", "Signature not valid in the specified time frame: Start [canary] - Expiry [canary] - Current [canary]"),
			credential.Denied, true, true, errEndedAccess,
		},
		"a wrong clock":    {403, said("AuthenticationFailed", "Request date header too old: 'canary'"), credential.Unavailable, false, false, errClock},
		"an expired token": {401, said("InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."), credential.Denied, true, true, errEndedAccess},
		"another tenant's token": {
			401, said("InvalidAuthenticationInfo", "Issuer validation failed. Issuer did not match."), credential.Denied, true, false, errWrongKey,
		},
		"no key":                        {401, said("NoAuthenticationInformation", ""), credential.Denied, true, false, errWrongKey},
		"a role that is missing":        {403, said("AuthorizationPermissionMismatch", ""), credential.Denied, false, false, errNoRole},
		"an account without the right":  {403, said("InsufficientAccountPermissions", ""), credential.Denied, true, false, errNoRole},
		"a SAS for another service":     {403, said("AuthorizationServiceMismatch", ""), credential.Denied, true, false, errNoRole},
		"a SAS for another kind":        {403, said("AuthorizationResourceTypeMismatch", ""), credential.Denied, true, false, errNoRole},
		"a firewall":                    {403, said("AuthorizationFailure", ""), credential.Denied, true, false, errFirewall},
		"a SAS for another address":     {403, said("AuthorizationSourceIPMismatch", ""), credential.Denied, true, false, errFirewall},
		"an account that allows no key": {403, said("KeyBasedAuthenticationNotPermitted", ""), credential.Denied, true, false, errNoKeys},
		"a disabled account":            {403, said("AccountIsDisabled", ""), credential.Unavailable, false, false, errAccountDisabled},
		"throttling":                    {503, said("ServerBusy", ""), credential.Unavailable, false, false, nil},
		"a fault of the service":        {500, said("InternalError", ""), credential.Unavailable, false, false, nil},
		"a service that takes too long": {500, said("OperationTimedOut", ""), credential.Unavailable, false, false, nil},
		"a redirect":                    {307, "", credential.Unavailable, false, false, nil},
	}
}

func TestAnswerWithoutAzuresHeaderIsNoAnswer(t *testing.T) {
	for status, body := range map[int]string{
		200: "canary", 304: "", 403: saidByBlobs("AuthorizationFailure", ""), 404: saidByBlobs("BlobNotFound", ""), 502: "<html>canary</html>",
	} {
		s := newStorageService(t, storageReply{status: status, body: body, header: http.Header{"X-Ms-Request-Id": nil, "Etag": {`"1"`}}})
		_, err := openBlobs(t, s.URL).Get(t.Context(), "canary")
		requireStorageFailure(t, storageCase{want: credential.Unavailable}, err)
		require.ErrorContains(t, errors.Unwrap(err), "does not come from the Azure service")
	}
}

func TestOnlyAWholeBlobIsAConfig(t *testing.T) {
	for _, status := range []int{http.StatusPartialContent, http.StatusNotModified} {
		s := newStorageService(t, storageReply{status: status, body: "", header: http.Header{"Etag": {`"1"`}}})
		_, err := openBlobs(t, s.URL).Get(t.Context(), "canary")
		requireStorageFailure(t, storageCase{want: credential.Unavailable, why: errNotAzure}, err)
	}
}

func TestThrottlingSaysWhenStorageMayBeAsked(t *testing.T) {
	s := newStorageService(t, storageReply{status: 503, body: saidByBlobs("ServerBusy", ""), header: http.Header{"Retry-After": {"7"}}})
	_, err := openBlobs(t, s.URL).Get(t.Context(), "k")
	require.Equal(t, store.Unavailable(store.Throttled(answered("ServerBusy"), 7*time.Second)), err)
}

func TestAccountThatDoesNotExistIsUnavailable(t *testing.T) {
	missing := &url.Error{Op: "Get", URL: "https://canary", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "canary", IsNotFound: true}}}
	for _, classify := range []func(context.Context, error) error{blobFailure, tableFailure} {
		requireStorageFailure(t, storageCase{want: credential.Unavailable, why: errNoAccount}, classify(t.Context(), missing))
	}
	// The SDK of Cosmos DB repeats a request while it sees the error of a lookup.
	lookup := func(found bool) error {
		pipeline := runtime.NewPipeline("m", "v1.0.0", runtime.PipelineOptions{}, &policy.ClientOptions{
			Retry: policy.RetryOptions{MaxRetries: -1}, PerRetryPolicies: []policy.Policy{witness{}},
			Transport: failingTransport{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary", IsNotFound: !found}}},
		})
		req, err := runtime.NewRequest(t.Context(), http.MethodGet, "https://canary")
		require.NoError(t, err)
		_, err = pipeline.Do(req)
		var seen *net.DNSError
		require.NotErrorAs(t, err, &seen)
		return cosmosFailure(t.Context(), err)
	}
	requireStorageFailure(t, storageCase{want: credential.Unavailable, why: errNoAccount}, lookup(false))
	requireStorageFailure(t, storageCase{want: credential.Unavailable, why: errNoLookup}, lookup(true))
}

// failingTransport fails each request.
type failingTransport struct{ err error }

func (f failingTransport) Do(*http.Request) (*http.Response, error) { return nil, f.err }
