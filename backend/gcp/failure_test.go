package gcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

type failureCase struct {
	answer  error
	want    credential.Kind
	general bool // the refusal is not about the name
	lapsed  bool
}

// The reasons are those of Google's google/api/error_reason.proto, and the texts those that its
// services were seen to send.
func sharedFailures() map[string]failureCase {
	denied := func(reason string) error { return gcptest.WithReason(codes.PermissionDenied, "canary", reason, nil) }
	return map[string]failureCase{
		"the API is disabled":          {denied("SERVICE_DISABLED"), credential.Unavailable, false, false},
		"no billing":                   {denied("BILLING_DISABLED"), credential.Unavailable, false, false},
		"no such project":              {denied("CONSUMER_INVALID"), credential.Unavailable, false, false},
		"the project is suspended":     {denied("CONSUMER_SUSPENDED"), credential.Unavailable, false, false},
		"VPC Service Controls":         {denied("SECURITY_POLICY_VIOLATED"), credential.Denied, true, false},
		"too few scopes":               {denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), credential.Denied, true, false},
		"another project's quota":      {denied("USER_PROJECT_DENIED"), credential.Denied, true, false},
		"another permission":           {gcptest.Denied("serviceusage.services.use", "canary"), credential.Denied, true, false},
		"a refusal without a reason":   {status.Error(codes.PermissionDenied, "canary"), credential.Denied, true, false},
		"an expired token":             {gcptest.WithReason(codes.Unauthenticated, "canary", "ACCESS_TOKEN_EXPIRED", nil), credential.Denied, true, true},
		"an invalid token":             {status.Error(codes.Unauthenticated, "Request had invalid authentication credentials. canary"), credential.Denied, true, true},
		"throttling":                   {gcptest.WithReason(codes.ResourceExhausted, "Quota exceeded for canary", "RATE_LIMIT_EXCEEDED", nil), credential.Unavailable, false, false},
		"a fault of the service":       {status.Error(codes.Internal, "canary"), credential.Unavailable, false, false},
		"a service that is down":       {status.Error(codes.Unavailable, "The service is currently unavailable. canary"), credential.Unavailable, false, false},
		"an invalid argument":          {status.Error(codes.InvalidArgument, "canary"), credential.Unavailable, false, false},
		"a method that is not known":   {status.Error(codes.Unimplemented, "canary"), credential.Unavailable, false, false},
		"a reason that is a text":      {gcptest.WithReason(codes.Aborted, "canary", "canary <html>", nil), credential.Unavailable, false, false},
		"the service's own deadline":   {status.Error(codes.DeadlineExceeded, "canary"), credential.Unavailable, false, false},
		"a code that is not specified": {status.Error(codes.Code(99), "canary"), credential.Unavailable, false, false},
	}
}

// https://cloud.google.com/secret-manager/docs/reference/rpc
func TestFailuresOfSecretManagerAreToldApart(t *testing.T) {
	cases := sharedFailures()
	const canary = "[projects/1/secrets/canary/versions/1]"
	for name, test := range map[string]failureCase{
		"no such secret":        {status.Error(codes.NotFound, "Secret [projects/1/secrets/canary] not found or has no versions."), credential.NotFound, false, false},
		"no such version":       {status.Error(codes.NotFound, "Secret Version "+canary+" not found."), credential.NotFound, false, false},
		"a project not found":   {status.Error(codes.NotFound, "Project 'canary' not found or deleted."), credential.Unavailable, false, false},
		"a destroyed version":   {status.Error(codes.FailedPrecondition, "Secret Version "+canary+" is in DESTROYED state."), credential.NotFound, false, false},
		"a disabled version":    {status.Error(codes.FailedPrecondition, "Secret Version "+canary+" is in DISABLED state."), credential.FailedPrecondition, false, false},
		"a disabled key of KMS": {status.Error(codes.FailedPrecondition, "projects/canary/cryptoKeys/canary is not enabled"), credential.Denied, true, false},
		"another precondition":  {status.Error(codes.FailedPrecondition, "canary"), credential.Unavailable, false, false},
		"a name not allowed":    {gcptest.Denied("secretmanager.versions.access", "canary"), credential.Denied, false, false},
		"a name without reason": {status.Error(codes.PermissionDenied, "Permission 'secretmanager.versions.access' denied for resource 'canary' (or it may not exist)."), credential.Denied, false, false},
	} {
		cases[name] = test
	}
	m, conn := newManager(t)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			m.Fail(test.answer)
			found, err := conn.Get(t.Context(), "canary")
			requireFailure(t, test, found, err)
		})
	}
}

func requireFailure(t *testing.T, test failureCase, found any, err error) {
	t.Helper()
	require.Empty(t, found)
	storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
	require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
	require.Equal(t, test.general, storetest.IsGeneral(err))
	var failed *credential.StoreError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, test.lapsed, failed.Lapsed)
}

func TestPageOfAProxyIsNoAnswerOfGoogle(t *testing.T) {
	for _, status := range []int{200, 301, 401, 403, 404, 429, 500, 503} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>canary</html>"))
		}))
		server.EnableHTTP2, server.TLS = true, authority.Server.Clone()
		server.StartTLS()
		conn := connected(t, SecretManager(), keyed(t, map[string]string{"endpoint": server.URL}))
		found, err := conn.Get(t.Context(), "canary")
		requireFailure(t, failureCase{want: credential.Unavailable}, found, err)
		require.ErrorIs(t, err, errNotGoogle, status)
		require.NoError(t, conn.Close())
		server.Close()
	}
}

func TestServiceThatHangsIsATimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts connections for it
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	fields := map[string]string{"project_id": "p", "endpoint": "http://" + silent.Addr().String(), "bucket": "canary"}
	for name, get := range map[string]func(ctx context.Context) (any, error){
		"Secret Manager": func(ctx context.Context) (any, error) {
			return connected(t, SecretManager(), maps.Clone(fields)).Get(ctx, "canary")
		},
		"Cloud Storage": func(ctx context.Context) (any, error) {
			return connected(t, Bucket(), maps.Clone(fields)).Get(ctx, "canary")
		},
		"Firestore": func(ctx context.Context) (any, error) {
			return connected(t, Firestore(), maps.Clone(fields)).Get(ctx, "canary")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			found, err := get(ctx)
			requireFailure(t, failureCase{want: credential.Timeout}, found, err)
		})
	}
}
