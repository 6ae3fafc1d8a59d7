// Command go answers the test's requests, one per line of JSON, with credentials.go.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc/status"

	dapr "github.com/dapr/go-sdk/client"
)

type request struct {
	Store, GUID string
	Metadata    map[string]string
	Whole       bool
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dapr.SetLogger(nil) // standard output belongs to the test
	client, err := dapr.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		result, err := answer(ctx, client, r)
		if err != nil {
			return err
		}
		if err := out.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

func answer(ctx context.Context, client dapr.Client, r request) (map[string]any, error) {
	var result map[string]any
	var err error
	if r.Whole {
		var credential json.RawMessage
		err = GetCredential(ctx, client, r.Store, r.GUID, &credential)
		result = map[string]any{"credential": string(credential)}
	} else {
		var entries map[string]string
		entries, err = GetFields(ctx, client, r.Store, r.GUID, r.Metadata)
		result = map[string]any{"entries": entries}
	}
	var failure *CredentialError
	if !errors.As(err, &failure) {
		return result, err
	}
	cause := errors.Unwrap(failure)
	return map[string]any{"error": map[string]any{
		"code": failure.Code, "retry": failure.Retry, "text": failure.Text,
		"exception": "error of google.golang.org/grpc/status", "status": status.Code(cause).String(), "message": cause.Error(),
	}}, nil
}
