package client

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// GetSecret returns the entries of one secret. store is the Component name of any Dapr secret
// store; "" means Options.SecretStore. A single entry that is a JSON object stands for that
// object (DESIGN.md, section 4, step 6). An empty answer gives no entries. In the local
// environment no store is asked, and the result has no entries.
//
// For other stores, daprd reports a missing secret and a failure alike. The error is
// [ErrNotFound] only if the store's text is known to mean that.
func (c *Client) GetSecret(ctx context.Context, key, store string) (Credential, error) {
	if c.opts.isLocal() {
		return Credential{}, nil
	}
	if store == "" {
		store = c.opts.SecretStore
	}
	data, err := c.secret(ctx, store, key, nil)
	if err != nil {
		return Credential{}, err
	}
	entries, err := credential.Entries(data)
	if err != nil {
		return Credential{}, &Error{
			Code: codes.FailedPrecondition, Store: store, Reason: "the secret is a JSON object that is not valid UTF-8",
		}
	}
	return newCredential("", entries), nil
}

// GetDeploymentSecret returns a value of the deployment's configuration. It looks in the
// deployment's bundle for the entry named key. Otherwise it reads the secret named key, and
// takes its entry named key, or its only entry. A value that is not a string is returned as
// JSON.
//
// ok is false if the value is absent or empty, or if daprd has no such store. Any other failure
// is an error.
func (c *Client) GetDeploymentSecret(ctx context.Context, key string) (value string, ok bool, err error) {
	bundle, err := c.deploymentSecret(ctx, c.opts.DeploymentSecretPath)
	if err != nil {
		return "", false, err
	}
	if value, ok := present(bundle.object().Get(key)); ok {
		return value, true, nil
	}
	secret, err := c.deploymentSecret(ctx, key)
	if err != nil {
		return "", false, err
	}
	if value, ok := present(secret.object().Get(key)); ok {
		return value, true, nil
	}
	if secret.object().Len() == 1 {
		for _, only := range secret.object().All() {
			value, ok = present(only, true)
		}
	}
	return value, ok, nil
}

// deploymentSecret is GetSecret for the deployment's store. If the secret or the store does not
// exist, the result has no entries.
func (c *Client) deploymentSecret(ctx context.Context, key string) (Credential, error) {
	secret, err := c.GetSecret(ctx, key, c.opts.DeploymentSecretStore)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoStore) {
		return Credential{}, nil
	}
	return secret, err
}

// present returns the text of a value. It returns false if the value is absent, null or ""
// (DESIGN.md, section 4, step 4).
func present(v credential.Value, found bool) (string, bool) {
	if !found || v.Kind() == credential.NullKind {
		return "", false
	}
	text, err := v.AsText()
	return text, err == nil && text != ""
}
