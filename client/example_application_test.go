package client_test

import (
	"context"
	"errors"
	"fmt"

	"credential-resolver/client"
	"credential-resolver/client/clienttest"
)

// Handler handles requests that contain either credentials or a GUID.
type Handler struct {
	credentials *client.Client
}

// Load returns the credentials of a request.
func (h *Handler) Load(ctx context.Context, input []byte) (client.Credential, error) {
	given, err := client.Parse(input)
	if err != nil {
		return client.Credential{}, err
	}
	if !given.Has("credential_guid") {
		return given, nil
	}
	guid, err := given.Text("credential_guid")
	if err != nil {
		return client.Credential{}, err
	}
	return h.credentials.GetCredentials(ctx, guid)
}

// A handler that accepts either a GUID or the credentials themselves.
func Example_handler() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Configs.Put("analytics-db", `{"host": "db.example.com"}`)

	handler := &Handler{client.New(sidecar, client.Options{})}
	for _, input := range []string{`{"credential_guid": "analytics-db"}`, `{"host": "localhost"}`} {
		credential, err := handler.Load(context.Background(), []byte(input))
		if err != nil {
			fmt.Println(err)
			return
		}
		host, err := credential.Text("host")
		fmt.Println(host, err)
	}
	// Output:
	// db.example.com <nil>
	// localhost <nil>
}

// Result is the result of an activity.
type Result struct {
	Success bool
	Error   string
}

// LoadCredentials is an activity that fetches a credential and validates it. It returns a
// temporary failure as an error, so that the workflow engine retries it.
func LoadCredentials(ctx context.Context, credentials *client.Client, guid string) (Result, error) {
	credential, err := credentials.GetCredentials(ctx, guid)
	switch {
	case client.Retryable(err):
		return Result{}, err
	case errors.Is(err, client.ErrResolution):
		return Result{Error: err.Error()}, nil // the text contains no secret
	}
	if missing := credential.Missing("host", "username", "password"); missing != nil {
		return Result{Error: fmt.Sprintf("missing fields: %v", missing)}, nil
	}
	return Result{Success: true}, nil
}

// An activity that validates required fields.
func Example_activity() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Configs.Put("whole", `{"credentialSource": "agent", "host": "db", "username": "app", "password": "db-password"}`)
	sidecar.Configs.Put("partial", `{"host": "db"}`)
	sidecar.Secrets.Put("db-password", map[string]string{"value": "hunter2"})

	credentials := client.New(sidecar, client.Options{})
	for _, guid := range []string{"whole", "partial", "nowhere"} {
		fmt.Println(LoadCredentials(context.Background(), credentials, guid))
	}
	sidecar.Secrets.Break(clienttest.Down)
	fmt.Println(LoadCredentials(context.Background(), credentials, "whole"))
	// Output:
	// {true } <nil>
	// {false missing fields: [username password]} <nil>
	// {false credential resolution failed: NotFound: credential "nowhere": no such credential} <nil>
	// {false } credential resolution failed: Unavailable: credential "whole": the secret store is unavailable
}
