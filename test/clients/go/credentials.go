package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"

	"google.golang.org/grpc/status"

	dapr "github.com/dapr/go-sdk/client"
)

// CredentialError says why there is no credential.
type CredentialError struct {
	Code  string // a word such as NotFound
	Retry bool   // whether a retry may help
	Text  string
	cause error
}

func (e *CredentialError) Error() string { return e.Text }
func (e *CredentialError) Unwrap() error { return e.cause }

var code = regexp.MustCompile(`(?s).*code = (\w+) desc = (.*)`)

func newCredentialError(err error) *CredentialError {
	e := &CredentialError{Code: "Unknown", Text: err.Error(), cause: err}
	var daprd interface{ GRPCStatus() *status.Status }
	if errors.As(err, &daprd) { // without the SDK's own text
		e.Text = daprd.GRPCStatus().Message()
	}
	if found := code.FindStringSubmatch(e.Text); found != nil {
		e.Code, e.Text = found[1], found[2]
	}
	e.Retry = e.Code == "Unavailable" || e.Code == "DeadlineExceeded"
	return e
}

// GetCredential reads the whole credential, with its types, into a value.
func GetCredential(ctx context.Context, client dapr.Client, store, guid string, into any) error {
	entries, err := GetFields(ctx, client, store, guid, map[string]string{"format": "json"})
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(entries["_value"]), into)
}

// GetFields returns the credential's fields, each as text.
func GetFields(ctx context.Context, client dapr.Client, store, guid string, metadata map[string]string) (map[string]string, error) {
	entries, err := client.GetSecret(ctx, store, guid, metadata)
	if err != nil {
		return nil, newCredentialError(err)
	}
	return entries, nil
}
