package client

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// GetSecret returns the entries of one secret of any Dapr secret store, by the name of
// its Component; "" is Options.SecretStore. One entry that is a JSON object stands for
// that object (DESIGN.md, section 4, step 6). A store that answers nothing gives no
// entries, and so does every store in the local environment, which is not asked.
//
// Of a store that is not ours, daprd tells a missing secret and a failure alike: only
// what the store's words are known to mean is [ErrNotFound].
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

// GetDeploymentSecret returns a value of the deployment's configuration: the entry of
// that name of the deployment's bundle; else of the secret of that name, its entry of
// that name or its only one. What is no string is given as JSON.
//
// That there is none, that it is empty, or that daprd has no such store, is no error;
// any other failure is.
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

// deploymentSecret is GetSecret of the deployment's store; one that is not there, or
// that cannot be there, has no entries.
func (c *Client) deploymentSecret(ctx context.Context, key string) (Credential, error) {
	secret, err := c.GetSecret(ctx, key, c.opts.DeploymentSecretStore)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoStore) {
		return Credential{}, nil
	}
	return secret, err
}

// present returns the text of a value that is there: null and "" are no values (DESIGN.md,
// section 4, step 4).
func present(v credential.Value, found bool) (string, bool) {
	if !found || v.Kind() == credential.NullKind {
		return "", false
	}
	text, err := v.AsText()
	return text, err == nil && text != ""
}
