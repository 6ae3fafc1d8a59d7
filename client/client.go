package client

import (
	"context"

	"google.golang.org/grpc/codes"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/resolver/credential"
)

// Dapr is the part of a Dapr client that this package needs. The Dapr SDK's client
// implements it.
type Dapr interface {
	// GetSecret returns the entries of one secret of a secret store.
	GetSecret(ctx context.Context, storeName, key string, meta map[string]string) (map[string]string, error)
	// InvokeBinding invokes an output binding.
	InvokeBinding(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error)
}

// Client makes the calls to daprd. It is safe for concurrent use if its Dapr client is.
type Client struct {
	dapr Dapr
	opts Options
}

// New returns a client that makes its calls through a Dapr client. Options that opts leaves
// empty come from the environment.
func New(dapr Dapr, opts Options) *Client {
	return &Client{dapr: dapr, opts: opts.withDefaults()}
}

// Options returns the options in use, with the values from the environment and the defaults.
func (c *Client) Options() Options { return c.opts }

// valueEntry is the name of the only entry of a JSON answer (DESIGN.md, section 3).
const valueEntry = "_value"

// GetCredentials returns the finished credential of a GUID. It never returns a partial
// credential: it fails with an [*Error].
func (c *Client) GetCredentials(ctx context.Context, guid string) (Credential, error) {
	if !credential.ValidGUID(guid) {
		return Credential{}, &Error{Code: codes.InvalidArgument, Reason: "malformed GUID: " + credential.GUIDRule}
	}
	store := c.opts.CredentialStore
	data, err := c.secret(ctx, store, guid, map[string]string{"format": "json"})
	if err != nil {
		return Credential{}, err
	}
	text, ok := data[valueEntry]
	if !ok {
		return Credential{}, notOurs(guid, store)
	}
	fields, err := credential.ParseObject([]byte(text))
	if err != nil {
		return Credential{}, notOurs(guid, store)
	}
	return newCredential(guid, fields), nil
}

// notOurs returns the error for an answer that is not a credential.
func notOurs(guid, store string) *Error {
	return &Error{
		Code: codes.FailedPrecondition, GUID: guid,
		Reason: "the answer is not a credential: is " + credential.QuoteName(store) +
			" a Component of type secretstores.credential-resolver?",
	}
}

// secret reads a secret from one of daprd's secret stores.
func (c *Client) secret(ctx context.Context, store, key string, meta map[string]string) (map[string]string, error) {
	if key == "" {
		return nil, &Error{Code: codes.InvalidArgument, Store: store, Reason: "the name of the secret is empty"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	data, err := c.dapr.GetSecret(ctx, store, key, meta)
	if err != nil {
		return nil, asked{store: store, key: key, prefix: secretPrefix(store, key)}.failure(ctx, err)
	}
	return data, nil
}
