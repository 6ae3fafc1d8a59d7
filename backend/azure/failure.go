package azure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

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

const (
	errNotAzure = credential.Remedy("the answer does not come from the Azure service, or is incomplete: check the names and the endpoint")
	errNoHost   = credential.Remedy("the service has no address: check its name, azureEnvironment, and the private DNS zone")
)

// unanswered classifies a request that got no answer that the SDK understands.
func unanswered(ctx context.Context, err error) error {
	var (
		stored   *credential.StoreError
		response *azcore.ResponseError
		network  *url.Error
		unknown  *net.DNSError
	)
	switch {
	case errors.As(err, &stored): // of our own identity
		return stored
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return store.Failed(ctx.Err())
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return store.Unavailable(errNoHost)
	case errors.As(err, &network):
		return store.Unanswered(err, errNotAzure)
	case errors.As(err, &response):
		return store.Unavailable(credential.Remedy(fmt.Sprintf("the answer with status %d does not come from the Azure service: "+
			"check the names and the endpoint", response.StatusCode)))
	}
	return store.Unavailable(errNotAzure)
}
