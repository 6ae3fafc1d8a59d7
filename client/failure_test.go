package client_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
	"credential-resolver/resolver/credential"
)

// meanings returns the error for each kind.
func meanings() map[credential.Kind]error {
	return map[credential.Kind]error{
		credential.InvalidRequest: client.ErrInvalid, credential.NotFound: client.ErrNotFound,
		credential.FailedPrecondition: client.ErrPrecondition, credential.Denied: client.ErrDenied,
		credential.Unavailable: client.ErrUnavailable, credential.Timeout: client.ErrTimeout,
		credential.TooLarge: client.ErrTooLarge, credential.Internal: client.ErrInternal,
	}
}

// requireMeans requires that an error matches want and no other kind.
func requireMeans(t testing.TB, err, want error) {
	t.Helper()
	require.ErrorIs(t, err, client.ErrResolution)
	for _, kind := range meanings() {
		require.Equal(t, kind == want, errors.Is(err, kind), "%v: %v", kind, err) //nolint:errorlint // compares identity
	}
	retryable := want == client.ErrUnavailable || want == client.ErrTimeout //nolint:errorlint // compares identity
	require.Equal(t, retryable, client.Retryable(fmt.Errorf("wrapped: %w", err)))
}

// failed returns an error as a *client.Error.
func failed(t testing.TB, err error) *client.Error {
	t.Helper()
	var e *client.Error
	require.ErrorAs(t, err, &e)
	return e
}

// overGRPC returns an error of daprd as the Dapr SDK returns it.
func overGRPC(code codes.Code, text string) error {
	return fmt.Errorf("error invoking service: %w", status.Error(code, text))
}

// got returns the text that daprd makes of a store's error.
func got(store, key, words string) string {
	return "failed getting secret with key " + key + " from secret store " + store + ": " + words
}

func TestTheCodeComesFromTheComponent(t *testing.T) {
	t.Parallel()
	for kind, want := range meanings() {
		code := codes.Code(kind.GRPCCode())
		text := got("credentials", "g-1", "rpc error: code = "+code.String()+` desc = credential "g-1": fixed words`)
		for _, err := range []error{
			overGRPC(codes.Internal, text), status.Error(codes.Internal, text),
			errors.New("500: " + text), fmt.Errorf(`500 Internal Server Error: {"errorCode":"ERR_SECRET_GET","message":%q}`, text),
		} {
			_, err := client.New(answering(nil, err), client.Options{}).GetCredentials(t.Context(), "g-1")
			requireMeans(t, err, want)
			e := failed(t, err)
			assert.Equal(t, code, e.Code)
			assert.Equal(t, "g-1", e.GUID)
			assert.EqualError(t, err, "credential resolution failed: "+code.String()+`: credential "g-1": fixed words`)
		}
	}
}

// A key or store name comes from the application, or even from an attacker. A code in it must
// not count.
func TestCodesInNamesAreIgnored(t *testing.T) {
	t.Parallel()
	const ours = `rpc error: code = NotFound desc = credential: no such credential`
	for _, key := range []string{
		"code = NotFound", ours, "x from secret store secretstore: " + ours,
		got("secretstore", "x", ours), `{"errorCode":"","message":"` + got("secretstore", "x", ours) + `"}`,
		"secret store is not configured", "ResourceNotFoundException: ", "ERROR CODE: SecretNotFound",
	} {
		for _, words := range []string{
			"GET /" + key + ": connection refused", "couldn't get secret: " + key + ": 503", "open /" + key + ": not found",
		} {
			text := got("secretstore", key, words)
			for _, err := range []error{overGRPC(codes.Internal, text), errors.New(text), errors.New("GET " + key + ": " + text)} {
				_, err := client.New(answering(nil, err), client.Options{}).GetSecret(t.Context(), key, "")
				requireMeans(t, err, client.ErrInternal)
				e := failed(t, err)
				assert.NotErrorIs(t, err, client.ErrNoStore)
				assert.NotContains(t, e.Error(), "code =")
			}
		}
	}
}

// daprd knows the deadline of the call, and may report it before the caller's context ends.
func TestDaprdsReportOfTheDeadlineIsTheCallers(t *testing.T) {
	t.Parallel()
	over := overGRPC(codes.DeadlineExceeded, "context deadline exceeded")
	_, err := client.New(answering(nil, over), client.Options{}).GetCredentials(t.Context(), "g")
	requireMeans(t, err, client.ErrTimeout)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "daprd did not answer in time")

	policy := overGRPC(codes.Internal, got("credentials", "g", "context deadline exceeded"))
	_, err = client.New(answering(nil, policy), client.Options{}).GetCredentials(t.Context(), "g")
	requireMeans(t, err, client.ErrTimeout)
	assert.NotErrorIs(t, err, context.DeadlineExceeded, "a resiliency policy's is not the caller's")
}

// A component of another maker may answer so.
func TestUnauthenticatedIsARefusal(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"of daprd":       overGRPC(codes.Unauthenticated, "invalid token"),
		"of a component": overGRPC(codes.Internal, got("secretstore", "k", "rpc error: code = Unauthenticated desc = log in first")),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(answering(nil, err), client.Options{}).GetSecret(t.Context(), "k", "")
			requireMeans(t, err, client.ErrDenied)
			assert.Equal(t, codes.Unauthenticated, failed(t, err).Code)
			assert.EqualError(t, err, `credential resolution failed: Unauthenticated: store "secretstore": the secret store refused the request`)
		})
	}
}

// A path, a proxy's words or a store's may repeat the name.
func TestASecretNamedWithDaprdsWordsOfDenialIsNotDenied(t *testing.T) {
	t.Parallel()
	const key = `access denied by policy to get "k" from "secretstore"`
	for name, err := range map[string]error{
		"over HTTP":             errors.New("GET http://localhost:3500/v1.0/secrets/secretstore/" + key + ": connection refused"),
		"in a store's words":    overGRPC(codes.Internal, got("secretstore", key, "no "+key)),
		"with another code":     overGRPC(codes.Internal, key),
		"by a store, over HTTP": errors.New(got("secretstore", key, key)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(answering(nil, err), client.Options{}).GetSecret(t.Context(), key, "")
			requireMeans(t, err, client.ErrInternal)
		})
	}
}

// What the component says is repeated; what could be another's words is not.
func TestOnlyThePlainWordsOfTheComponentAreRepeated(t *testing.T) {
	t.Parallel()
	const fixed = "the secret store failed"
	for name, row := range map[string]struct{ key, desc, reason, guid string }{
		"its words":            {"g", `credential "g": it is so`, "it is so", "g"},
		"without a GUID":       {"g", "credential: it is so", "it is so", ""},
		"of another GUID":      {"g", `credential "h": it is so`, fixed, ""},
		"no words":             {"g", `credential "g": `, fixed, ""},
		"no words at all":      {"g", "credential: ", fixed, ""},
		"1024 bytes":           {"g", "credential: " + strings.Repeat("x", 1024), strings.Repeat("x", 1024), ""},
		"a byte more":          {"g", "credential: " + strings.Repeat("x", 1025), fixed, ""},
		"a line break":         {"g", "credential: it is\nso", fixed, ""},
		"not UTF-8":            {"g", "credential: it is \xff", fixed, ""},
		"of a secret's name":   {"a b", `credential "a b": it is so`, fixed, ""},
		"of another component": {"g", "it is so", fixed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := overGRPC(codes.Internal, got("secretstore", row.key, "rpc error: code = Internal desc = "+row.desc))
			_, err := client.New(answering(nil, text), client.Options{}).GetSecret(t.Context(), row.key, "")
			e := failed(t, err)
			assert.Equal(t, row.reason, e.Reason)
			assert.Equal(t, row.guid, e.GUID)
			assert.Equal(t, row.guid == "", e.Store != "", "it is about one of the two")
			assert.Contains(t, e.Detail(), row.desc, "as daprd said it, for a log")
		})
	}
}

func TestErrorsOfDaprdHaveAKind(t *testing.T) {
	t.Parallel()
	inside := func(words string) error { return overGRPC(codes.Internal, got("secretstore", "k", words)) }
	tests := map[string]struct {
		err   error
		means error
		code  codes.Code
		store bool // whether the error means that the store does not exist
	}{
		"no store at all": {
			overGRPC(codes.FailedPrecondition, "secret store is not configured"), client.ErrPrecondition, codes.FailedPrecondition, true,
		},
		"no such store": {
			overGRPC(codes.InvalidArgument, "failed finding secret store with key secretstore"),
			client.ErrPrecondition, codes.FailedPrecondition, true,
		},
		"no such store, over HTTP": {
			errors.New(`401: {"errorCode":"ERR_SECRET_STORE_NOT_FOUND","message":"failed finding secret store with key secretstore"}`),
			client.ErrPrecondition, codes.FailedPrecondition, true,
		},
		"scopes": {
			overGRPC(codes.PermissionDenied, `access denied by policy to get "k" from "secretstore"`),
			client.ErrDenied, codes.PermissionDenied, false,
		},
		"scopes, over HTTP": {
			errors.New(`{"errorCode":"ERR_PERMISSION_DENIED","message":"access denied by policy to get \"k\" from \"secretstore\""}`),
			client.ErrDenied, codes.PermissionDenied, false,
		},
		"an API token": {overGRPC(codes.Unauthenticated, "invalid token"), client.ErrDenied, codes.Unauthenticated, false},
		"daprd is down": {
			overGRPC(codes.Unavailable, "connection error: dial tcp 127.0.0.1:50001"), client.ErrUnavailable, codes.Unavailable, false,
		},
		"the caller's deadline has passed": {
			overGRPC(codes.DeadlineExceeded, "context deadline exceeded"), client.ErrTimeout, codes.DeadlineExceeded, false,
		},
		"daprd stops":           {overGRPC(codes.Canceled, "context canceled"), client.ErrUnavailable, codes.Unavailable, false},
		"a component's restart": {inside("rpc error: code = Unavailable desc = error reading from server: EOF"), client.ErrUnavailable, codes.Unavailable, false},
		"a Component's edit":    {inside("rpc error: code = Canceled desc = grpc: the client connection is closing"), client.ErrUnavailable, codes.Unavailable, false},
		"a resiliency timeout":  {inside("context deadline exceeded"), client.ErrTimeout, codes.DeadlineExceeded, false},
		"a circuit breaker":     {inside("circuit breaker is open"), client.ErrUnavailable, codes.Unavailable, false},
		"missing in a file":     {inside("secret k not found"), client.ErrNotFound, codes.NotFound, false},
		"missing in Vault":      {inside("getSecret k failed secret key or version not exist"), client.ErrNotFound, codes.NotFound, false},
		"missing in Kubernetes": {inside(`secrets "k" not found`), client.ErrNotFound, codes.NotFound, false},
		"missing in Secrets Manager": {inside("couldn't get secret: operation error Secrets Manager: GetSecretValue, https response error " +
			"StatusCode: 400, RequestID: 1, ResourceNotFoundException: Secrets Manager can't find the specified secret."), client.ErrNotFound, codes.NotFound, false},
		"missing in Parameter Store": {inside("couldn't get secret: operation error SSM: GetParameter, https response error StatusCode: 400, " +
			"RequestID: 1, ParameterNotFound: "), client.ErrNotFound, codes.NotFound, false},
		"missing in Secret Manager": {
			inside("failed to access secret version: rpc error: code = NotFound desc = Secret [projects/1/secrets/k] not found or has no versions."),
			client.ErrNotFound, codes.NotFound, false,
		},
		"missing in Key Vault": {
			inside("GET https://x.vault.azure.net/secrets/k/\n---\nRESPONSE 404: 404 Not Found\nERROR CODE: SecretNotFound\n---"),
			client.ErrNotFound, codes.NotFound, false,
		},
		"the words of a binding":     {inside("couldn't find output binding secretstore"), client.ErrInternal, codes.Internal, false},
		"about another secret":       {inside("secret other not found"), client.ErrInternal, codes.Internal, false},
		"a store's failure":          {inside("couldn't get successful response, status code 404, body not found"), client.ErrInternal, codes.Internal, false},
		"an unknown code":            {inside("rpc error: code = Nothing desc = credential: x"), client.ErrInternal, codes.Internal, false},
		"the code OK":                {inside("rpc error: code = OK desc = credential: x"), client.ErrInternal, codes.Internal, false},
		"the SDK's own error":        {errors.New("empty storeName"), client.ErrInternal, codes.Internal, false},
		"text that is not printable": {inside("rpc error: code = NotFound desc = credential: \x00\n"), client.ErrNotFound, codes.NotFound, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client.New(answering(nil, test.err), client.Options{}).GetSecret(t.Context(), "k", "")
			requireMeans(t, err, test.means)
			e := failed(t, err)
			assert.Equal(t, test.code, e.Code)
			assert.Equal(t, test.store, errors.Is(err, client.ErrNoStore))
			assert.Contains(t, err.Error(), `store "secretstore": `)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotEmpty(t, e.Detail())
		})
	}
}

func TestErrorsOfABindingHaveAKind(t *testing.T) {
	t.Parallel()
	config := parse(t, `{}`)
	for words, want := range map[string]error{
		"couldn't find output binding credentials-save":                                    client.ErrPrecondition,
		"rpc error: code = PermissionDenied desc = credential: only where it is local":     client.ErrDenied,
		"rpc error: code = Unavailable desc = credential: the config store is unavailable": client.ErrUnavailable,
		"rpc error: code = FailedPrecondition desc = daprd has no Component \"x\"":         client.ErrPrecondition,
		"secret  not found": client.ErrInternal,
	} {
		failure := overGRPC(codes.Internal, "error invoking output binding credentials-save: "+words)
		d := daprd{invoke: func(context.Context, *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) { return nil, failure }}
		_, err := client.New(d, client.Options{DeploymentName: "local"}).SaveSecret(t.Context(), config)
		requireMeans(t, err, want)
		assert.Equal(t, words == "couldn't find output binding credentials-save", errors.Is(err, client.ErrNoStore))
	}
}

func TestTheKindsAreOneFailure(t *testing.T) {
	for _, kind := range append(slices.Collect(maps.Values(meanings())), client.ErrNoStore) {
		assert.ErrorIs(t, kind, client.ErrResolution)
	}
	assert.False(t, client.Retryable(errors.New("another package's error")))
	assert.False(t, client.Retryable(nil))
}
