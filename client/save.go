package client

import (
	"context"
	"encoding/json"

	"google.golang.org/grpc/codes"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/resolver/credential"
)

// SaveSecret saves a credential's config unchanged, and returns its new GUID. It is for
// development: outside the local environment it fails with [ErrDenied], without a request.
func (c *Client) SaveSecret(ctx context.Context, config Credential) (guid string, err error) {
	binding := c.opts.CredentialBinding
	if !c.opts.isLocal() {
		return "", &Error{Code: codes.PermissionDenied, Reason: "credentials can be saved only if DEPLOYMENT_NAME is " + local}
	}
	text, err := config.Reveal()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	answer, err := c.dapr.InvokeBinding(ctx, &dapr.InvokeBindingRequest{Name: binding, Operation: "create", Data: text})
	if err != nil {
		return "", asked{store: binding, prefix: bindingPrefix(binding), binding: true}.failure(ctx, err)
	}
	var saved struct {
		GUID string `json:"guid"`
	}
	if answer == nil || json.Unmarshal(answer.Data, &saved) != nil || !credential.ValidGUID(saved.GUID) {
		return "", &Error{
			Code: codes.FailedPrecondition,
			Reason: "the answer is not a GUID: is " + credential.QuoteName(binding) +
				" a Component of type bindings.credential-resolver?",
		}
	}
	return saved.GUID, nil
}
