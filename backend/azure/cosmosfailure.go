package azure

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// witness keeps the first failure of a call, because the SDK keeps only the text of what happens when it
// asks for the account's regions.
type witness struct{}

var _ policy.Policy = witness{}

// seen is the first failure of a call.
type seen struct {
	mu  sync.Mutex
	err error
}

type seenKey struct{}

// witnessed returns a context whose first failure is kept.
func witnessed(ctx context.Context) (context.Context, *seen) {
	s := &seen{}
	return context.WithValue(ctx, seenKey{}, s), s
}

// or returns the first failure; err if there was none.
func (s *seen) or(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return err
}

// Do implements policy.Policy.
func (witness) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		// The SDK repeats a request whose host is not found for two minutes.
		why := errNoLookup
		if lookup.IsNotFound {
			why = errNoAccount
		}
		err = store.Unavailable(why)
	}
	if s, ok := req.Raw().Context().Value(seenKey{}).(*seen); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.err != nil:
		case err != nil:
			s.err = err
		case resp.StatusCode >= http.StatusBadRequest:
			s.err = runtime.NewResponseErrorWithErrorCode(resp, resp.Status)
		}
	}
	return resp, err
}

const (
	errNoLookup        = credential.Remedy("the host of the account cannot be looked up at the moment")
	errNoCollection    = credential.Remedy("the database or the collection does not exist: check database, collection and url")
	errCosmosKey       = credential.Remedy("Cosmos DB does not accept the key or the token: check masterKey, url and azureTenantId")
	errCosmosNoKeys    = credential.Remedy("the account allows no keys: remove masterKey, and use an identity")
	errCosmosNoRole    = credential.Remedy("the identity may not do this: give it the role Cosmos DB Built-in Data Reader, or the one in deploy/azure")
	errCosmosFirewall  = credential.Remedy("the firewall of the account refuses this machine: check the networks and private endpoints that it allows")
	errCosmosElsewhere = credential.Remedy("the region of the account is not available at the moment")
)

// Substatuses of Cosmos DB.
const (
	writeForbidden  = "3"
	ownerNotFound   = "1003"
	accountNotFound = "1008"
	keysDisabled    = "5202"
)

// cosmosFailure classifies a failure of Cosmos DB. Only a missing item counts as a missing config. The
// error contains neither a name nor the service's text.
func cosmosFailure(ctx context.Context, err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.RawResponse == nil {
		return unanswered(ctx, err)
	}
	said := answered(strconv.Itoa(response.StatusCode))
	substatus, text := response.RawResponse.Header.Get("x-ms-substatus"), textOf(response)
	switch response.StatusCode {
	case http.StatusNotFound:
		switch {
		case substatus == ownerNotFound, strings.Contains(text, "Owner resource does not exist"):
			return store.Unavailable(errNoCollection)
		case substatus == "" || substatus == "0":
			return store.Absent()
		}
	case http.StatusUnauthorized:
		switch {
		case strings.Contains(text, "not valid at the current time"):
			return store.Unavailable(store.Explained(errClock, said))
		case substatus == keysDisabled, strings.Contains(text, "Local Authorization is disabled"):
			return refused(errCosmosNoKeys, said)
		case strings.Contains(text, "expired"):
			return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: store.Explained(errEndedAccess, said)}
		}
		return refused(errCosmosKey, said)
	case http.StatusForbidden:
		switch {
		case substatus == writeForbidden, substatus == accountNotFound:
			return store.Unavailable(store.Explained(errCosmosElsewhere, said))
		case strings.Contains(text, "RBAC"):
			return refused(errCosmosNoRole, said)
		case strings.Contains(text, "firewall"), strings.Contains(text, "public internet"):
			return refused(errCosmosFirewall, said)
		}
		return refused(errCosmosKey, said)
	case http.StatusTooManyRequests:
		if after, notNumber := strconv.Atoi(response.RawResponse.Header.Get("x-ms-retry-after-ms")); notNumber == nil {
			return store.Unavailable(store.Throttled(said, min(time.Duration(after)*time.Millisecond, store.MaxRetryAfter)))
		}
	}
	return store.Unavailable(said) // 5xx, and everything else
}

// saidStatus reports whether an error is an answer with one of the statuses.
func saidStatus(err error, statuses ...int) bool {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return false
	}
	for _, status := range statuses {
		if response.StatusCode == status {
			return true
		}
	}
	return false
}
