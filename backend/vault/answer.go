package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/secretstores/hashicorp/vault"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// contrib returns vault.ErrNotFound for every 404. The 404 may be about a secret that does not
// exist, or a version that was deleted or destroyed. It may also be about a mount that does
// not exist, an engine of another type, or a proxy's error page. If one of the last three
// counted as a missing secret, a reference would be returned as a password.
//
// contrib keeps the difference in one place only: it passes the response and the body to its
// logger, and the response's request has the context of the call. So this package reads the
// answer there. If contrib logged it differently, no 404 would count as missing any more.

// reply is an answer from Vault with a status other than 200.
type reply struct {
	status int // 0: no such answer
	body   string
}

type replyKey struct{}

// withReply returns a context for one call to contrib's store, and the reply that holds the
// call's answer after the call has returned.
func withReply(ctx context.Context) (context.Context, *reply) {
	answer := &reply{}
	return context.WithValue(ctx, replyKey{}, answer), answer
}

// replyLogger is the logger that contrib's store gets. It keeps answers and does not log them,
// because contrib's messages begin with the name of the secret.
type replyLogger struct{ logger.Logger }

var _ logger.Logger = replyLogger{}

// Debugf implements logger.Logger.
func (w replyLogger) Debugf(format string, args ...any) {
	for i, arg := range args {
		resp, ok := arg.(*http.Response)
		if !ok {
			continue
		}
		if i+1 < len(args) && resp.Request != nil {
			if answer, ok := resp.Request.Context().Value(replyKey{}).(*reply); ok {
				answer.status = resp.StatusCode
				answer.body, _ = args[i+1].(string)
			}
		}
		return
	}
	w.Logger.Debugf(format, args...)
}

// classify classifies a failure of contrib's GetSecret.
func classify(answer reply, err error) error {
	switch {
	case answer.status == http.StatusNotFound && answer.missing() && errors.Is(err, vault.ErrNotFound):
		return store.Absent()
	case answer.status == http.StatusNotFound && answer.noMount():
		return store.Unavailable(errNoMount)
	case answer.status == http.StatusForbidden, answer.status == http.StatusUnauthorized:
		return &credential.StoreError{
			Kind: credential.Denied, General: !answer.refusesPath(), Err: answered(answer.status),
		}
	case answer.status != 0: // 429 throttled, 503 sealed, 5xx, and everything else
		return store.Unavailable(answered(answer.status))
	case notAString(err):
		return &credential.StoreError{Kind: credential.FailedPrecondition, Err: errNotAString}
	}
	return store.Unanswered(err, errNotVault)
}

func answered(status int) error { return credential.Remedy(fmt.Sprintf("vault answered %d", status)) }

// These errors say what is wrong with a mount. A retry cannot fix it.
const (
	errNoMount = credential.Remedy(
		"enginePath does not name a KV secrets engine of version 2: set it to the mount only, such as \"secret\"")
	errKV1 = credential.Remedy("the mount that enginePath names is KV version 1, which the store cannot read: " +
		"upgrade it with \"vault kv enable-versioning\", or use another mount")
)

const (
	errNotVault   = credential.Remedy("the answer does not come from Vault's KV version 2, or is incomplete: check vaultAddr and enginePath")
	errNotAString = credential.Remedy(
		"a value of the secret is not a string: write it as one, or set vaultValueType to \"text\", which reads such secrets")
)

// notAString reports whether contrib failed because a value is not a string. contrib does not
// keep the type of the error, so this compares encoding/json's text. A test on a real server
// covers that text.
func notAString(err error) bool {
	return strings.HasPrefix(err.Error(), "couldn't decode response body: json: cannot unmarshal ") &&
		strings.Contains(err.Error(), ".data.data of type string")
}

// replyBody holds the parts of an answer that tell Vault's answers apart.
type replyBody struct {
	Errors *[]string `json:"errors"`
	Data   *struct {
		Data     json.RawMessage `json:"data"`
		Metadata *struct {
			Version int `json:"version"`
		} `json:"metadata"`
	} `json:"data"`
}

func (a reply) parse() replyBody {
	var body replyBody
	if json.Unmarshal([]byte(a.body), &body) != nil {
		return replyBody{} // the answer is not from Vault
	}
	return body
}

// missing reports whether a 404 is about a secret. If Vault serves the path but holds nothing
// there, it gives no reason. If the version was deleted or destroyed, it answers with the
// version's metadata.
func (a reply) missing() bool {
	if a.status != http.StatusNotFound {
		return false
	}
	body := a.parse()
	switch {
	case body.Errors != nil:
		return len(*body.Errors) == 0 && body.Data == nil
	case body.Data != nil && body.Data.Metadata != nil:
		return body.Data.Metadata.Version > 0 && (body.Data.Data == nil || string(body.Data.Data) == "null")
	default:
		return false
	}
}

// noMount reports whether a 404 is Vault's answer for a path that no mount serves.
func (a reply) noMount() bool {
	body := a.parse()
	return a.status == http.StatusNotFound && body.Errors != nil && len(*body.Errors) > 0
}

// refusedPath is the error text of Vault and OpenBao if a policy refuses a path. For a token
// that it does not know, Vault adds another text, and OpenBao leaves out the count.
const refusedPath = "1 error occurred:\n\t* permission denied\n\n"

// refusesPath reports whether a 403 is about the path and not about our token.
func (a reply) refusesPath() bool {
	body := a.parse()
	return a.status == http.StatusForbidden && body.Errors != nil && slices.Equal(*body.Errors, []string{refusedPath})
}

// refusesUs reports whether Vault refused our token and not the path.
func refusesUs(err error) bool {
	var refused *credential.StoreError
	return errors.As(err, &refused) && refused.Kind == credential.Denied && refused.General
}

// refusesVersion reports whether a request failed because of its version, which only KV
// version 2 checks. Vault and OpenBao use different texts, but both name the field.
func (a reply) refusesVersion() bool {
	if a.status != http.StatusBadRequest {
		return false
	}
	body := a.parse()
	if body.Errors == nil {
		return false
	}
	for _, text := range *body.Errors {
		if strings.Contains(text, `field "version"`) {
			return true
		}
	}
	return false
}
