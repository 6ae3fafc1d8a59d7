package client

import (
	"encoding/json"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// parse converts the error of a request to daprd. code is daprd's gRPC code, or Unknown if the
// answer came over HTTP. text is daprd's text.
//
// In the text, the names that the application asked for come before the component's words. The
// names are known, so parse removes the whole prefix, and never searches the names for a code.
func (a asked) parse(code codes.Code, text string) *Error {
	var words string
	inside := false
	switch code {
	case codes.Unknown:
		text = messageIn(text)
		_, words, inside = strings.Cut(text, a.prefix)
	case codes.Internal:
		words, inside = strings.CutPrefix(text, a.prefix)
	default: // daprd's own
	}
	if inside {
		return a.storeSaid(words)
	}
	return a.daprdSaid(code, text)
}

// messageIn returns the message of a daprd HTTP API error, if the text contains the API's JSON;
// else the text.
func messageIn(text string) string {
	start := strings.Index(text, `{"errorCode":`)
	if start < 0 {
		return text
	}
	var body struct {
		Message string `json:"message"`
	}
	if json.NewDecoder(strings.NewReader(text[start:])).Decode(&body) != nil {
		return text
	}
	return body.Message
}

// storeSaid converts the error text of a store or a binding, as daprd passed it on.
func (a asked) storeSaid(words string) *Error {
	if code, desc, ok := cutStatus(words); ok {
		if reason, guid, ok := a.cutSubject(desc); ok {
			return &Error{Code: code, GUID: guid, Reason: reason}
		}
		return a.fixed(code)
	}
	switch {
	case a.binding && words == "couldn't find output binding "+a.store:
		return &Error{Code: codes.FailedPrecondition, Reason: "daprd has no such binding", noStore: true}
	case words == "context deadline exceeded": // from a resiliency policy
		return a.fixed(codes.DeadlineExceeded)
	case words == "context canceled", strings.HasPrefix(words, "circuit breaker is open"), words == "too many requests":
		return a.fixed(codes.Unavailable)
	case !a.binding && meansMissing(words, a.key):
		return a.fixed(codes.NotFound)
	default:
		return a.fixed(codes.Internal)
	}
}

// cutStatus splits the text of a gRPC status into code and description.
func cutStatus(words string) (code codes.Code, desc string, ok bool) {
	rest, ok := strings.CutPrefix(words, "rpc error: code = ")
	if !ok {
		return 0, "", false
	}
	name, desc, ok := strings.Cut(rest, " desc = ")
	if !ok {
		return 0, "", false
	}
	for c := codes.Canceled; c <= codes.Unauthenticated; c++ {
		if c.String() == name {
			return c, desc, true
		}
	}
	return 0, "", false
}

// maxReason is the longest accepted reason, in bytes. The component's reasons are shorter.
const maxReason = 1024

// cutSubject splits the component's text, credential "<guid>": <fixed words>, into reason and
// GUID. The GUID must be the requested one, or absent.
func (a asked) cutSubject(desc string) (reason, guid string, ok bool) {
	if reason, ok = strings.CutPrefix(desc, "credential: "); !ok {
		reason, ok = strings.CutPrefix(desc, `credential "`+a.key+`": `)
		guid, ok = a.key, ok && credential.ValidGUID(a.key)
	}
	plain := len(reason) <= maxReason && strings.IndexFunc(reason, func(r rune) bool {
		return !unicode.IsPrint(r) || r == unicode.ReplacementChar
	}) < 0
	return reason, guid, ok && reason != "" && plain
}

// daprdSaid converts daprd's own error text.
func (a asked) daprdSaid(code codes.Code, text string) *Error {
	overHTTP := code == codes.Unknown
	switch {
	case text == "failed finding secret store with key "+a.store, text == "secret store is not configured":
		return &Error{Code: codes.FailedPrecondition, Reason: "daprd has no such secret store", noStore: true}
	case (overHTTP || code == codes.PermissionDenied) && strings.HasPrefix(text, "access denied by policy to get "):
		return &Error{Code: codes.PermissionDenied, Reason: "daprd's scopes do not allow it"}
	case overHTTP:
		return a.fixed(codes.Internal)
	default:
		return a.fixed(code)
	}
}

// fixed returns an error with a code and with this package's own words.
func (a asked) fixed(code codes.Code) *Error {
	what := "secret store"
	if a.binding {
		what = "binding"
	}
	switch code {
	case codes.OK, codes.Unknown:
		return a.fixed(codes.Internal)
	case codes.Canceled: // not by the caller: daprd is stopping, or reloading the Component
		return a.fixed(codes.Unavailable)
	case codes.NotFound:
		return &Error{Code: code, Reason: "no such secret"}
	case codes.PermissionDenied, codes.Unauthenticated:
		return &Error{Code: code, Reason: "the " + what + " refused the request"}
	case codes.Unavailable:
		return &Error{Code: code, Reason: "the " + what + ", or daprd, is unavailable"}
	case codes.DeadlineExceeded:
		return &Error{Code: code, Reason: "the " + what + " did not answer in time"}
	default:
		return &Error{Code: code, Reason: "the " + what + " failed"}
	}
}
