package azure

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// storageScope is the scope of the tokens for Storage, in every cloud.
const storageScope = "https://storage.azure.com/.default"

// listPage is how many keys are listed at a time, so that a page of the longest keys is within the
// limit of an answer.
const listPage = 500

// accountName matches the name of a storage account, or of a Cosmos DB account.
var accountName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// genuine refuses an answer that does not come from Azure, such as the page of a proxy.
type genuine struct{}

var _ policy.Policy = genuine{}

// Do implements policy.Policy.
func (genuine) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	if err != nil || fromAzure(resp.Header) {
		return resp, err
	}
	_ = resp.Body.Close()
	return nil, unanswered(req.Raw().Context(), &azcore.ResponseError{StatusCode: resp.StatusCode})
}

// fromAzure reports whether an answer has a header that Storage or Cosmos DB sends with every answer.
func fromAzure(header http.Header) bool {
	return header.Get("x-ms-request-id") != "" || header.Get("x-ms-activity-id") != ""
}

// pipeline returns the options for a client of a service. Unless the metadata have a key, its requests
// have the tokens of the identity.
func (c *client) pipeline(ctx context.Context, s identitySettings, hasKey bool, scope string) (policy.ClientOptions, error) {
	options := c.options
	if !hasKey {
		identity, err := c.identify(ctx, s, scope)
		if err != nil {
			return options, err
		}
		// The SDK's own policy for Storage would ask for a token of any scope that a server names.
		options.PerRetryPolicies = append(options.PerRetryPolicies, runtime.NewBearerTokenPolicy(identity, []string{scope}, nil))
	}
	options.PerRetryPolicies = append(options.PerRetryPolicies, genuine{})
	return options, nil
}

// forbiddenInKeys are the characters that neither a table nor Cosmos DB allows in a key.
const forbiddenInKeys = `/\#?`

const errKeyCharacters = credential.Remedy(`a key of a table or of Cosmos DB cannot have the characters / \ # ?: use another configKey`)

// keyDelimiter separates daprd's prefix from the application's own key.
const keyDelimiter = "||"

const errDelimiters = credential.Remedy(`configKey has more than one "||". Dapr's store keeps only the part before the first one, ` +
	`so that all configs would be one: use at most one`)

// cutKey cuts a key at its "||", as contrib's stores do. found is false if there is none.
func cutKey(key string) (before, after string, found bool, err error) {
	before, after, found = strings.Cut(key, keyDelimiter)
	if strings.Contains(after, keyDelimiter) {
		err = store.Unable(errDelimiters)
	}
	return before, after, found, err
}

// saidCode reports whether an error is an answer with one of the codes.
func saidCode(err error, codes ...string) bool {
	var response *azcore.ResponseError
	return errors.As(err, &response) && slices.Contains(codes, response.ErrorCode)
}
