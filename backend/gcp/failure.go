package gcp

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Reasons of Google's services (ErrorInfo), which the code does not tell apart:
// https://docs.cloud.google.com/apis/design/errors and google/api/error_reason.proto.
var (
	// unusableProject are reasons that say something about the project, and not about a name.
	unusableProject = []string{
		"SERVICE_DISABLED", "BILLING_DISABLED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "RESOURCE_USAGE_RESTRICTION_VIOLATED",
	}
	// refusesUs are reasons of a refusal that is not about a name.
	refusesUs = []string{
		"SECURITY_POLICY_VIOLATED", "USER_PROJECT_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "LOCATION_POLICY_VIOLATED",
		"LOCATION_ORG_POLICY_VIOLATED", "ORG_RESTRICTION_VIOLATION", "SYSTEM_PARAMETER_UNSUPPORTED",
	}
)

const (
	errProject = credential.Remedy("the project cannot be used: check project_id, that its API is enabled, and its billing")
	errPolicy  = credential.Remedy("Google refuses all requests of this identity: check its scopes, the organization's policies, " +
		"and the perimeter of VPC Service Controls")
	errToken        = credential.Remedy("Google does not accept the token: check the service account, its key, and the clock")
	errNoConnection = credential.Remedy("no connection to Google: check endpoint, the network, and the proxy")
	errNotGoogle    = credential.Remedy("the answer does not come from the Google service, or is incomplete: check endpoint, and the proxy")
)

// failure classifies the error of a call over gRPC. permission is the one that the call needs, such
// as "secretmanager.versions.access". What is missing is not classified here. The error contains
// neither a name nor Google's text, which contains names.
func failure(ctx context.Context, err error, permission string) error {
	said := status.Convert(err)
	reason, denied := detailsOf(said)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return store.Failed(ctx.Err())
	case ofTransport(said.Message()):
		return store.Unavailable(errNoConnection)
	case foreign(said.Message()):
		return store.Unavailable(errNotGoogle)
	}
	answer := answered(said.Code().String(), reason)
	switch {
	case slices.Contains(unusableProject, reason):
		return store.Unavailable(store.Explained(errProject, answer))
	case slices.Contains(refusesUs, reason):
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: store.Explained(errPolicy, answer)}
	case said.Code() == codes.PermissionDenied:
		aboutName := denied == permission || strings.Contains(said.Message(), permission)
		return &credential.StoreError{Kind: credential.Denied, General: !aboutName, Err: answer}
	case said.Code() == codes.Unauthenticated:
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: store.Explained(errToken, answer)}
	}
	return store.Unavailable(answer) // throttling, faults of the service, and everything else
}

// detailsOf returns the reason of an error, and the permission that was denied; "" if it has none.
func detailsOf(said *status.Status) (reason, permission string) {
	for _, detail := range said.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason(), info.GetMetadata()["permission"]
		}
	}
	return "", ""
}

// ofTransport reports whether a failure is one of gRPC's connection.
func ofTransport(text string) bool {
	return strings.HasPrefix(text, "connection error: ") || strings.HasPrefix(text, "name resolver error: ") ||
		strings.HasPrefix(text, "error reading from server: ") || strings.HasPrefix(text, "keepalive ping failed")
}

// foreign reports whether gRPC made up a status for an answer that is not gRPC's, such as a proxy's
// page.
func foreign(text string) bool {
	return strings.HasPrefix(text, "unexpected HTTP status code received from server") ||
		strings.Contains(text, "received unexpected content-type") || strings.HasPrefix(text, "malformed header: missing HTTP")
}

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// answered returns the error for a code and a reason. A reason that no service sends may be any
// text.
func answered(code, reason string) credential.Remedy {
	if word.MatchString(reason) {
		code += " (" + reason + ")"
	}
	return credential.Remedy("Google answered " + code)
}

// isLapsed reports whether a failure says that our token is not accepted.
func isLapsed(err error) bool {
	var failed *credential.StoreError
	return errors.As(err, &failed) && failed.Lapsed
}
