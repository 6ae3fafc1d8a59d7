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

// contrib answers every 404 with vault.ErrNotFound: for a secret that is not
// there, a version that was deleted or destroyed, and as well for a mount that is
// not there, an engine of another sort and a proxy's error page. To take the
// latter three for "missing" would hand a reference out for a password. contrib
// keeps the difference in one place alone: it gives its logger the response, whose
// request has the context of the call, and the body. That is where it is taken
// from; were contrib to log otherwise, no 404 would count as missing any more.

// reply is an answer of Vault's that is not 200.
type reply struct {
	status int // 0: there was none
	body   string
}

type replyKey struct{}

// withReply returns a context for one call to contrib's store, and where the
// call's answer will be once it has returned.
func withReply(ctx context.Context) (context.Context, *reply) {
	answer := &reply{}
	return context.WithValue(ctx, replyKey{}, answer), answer
}

// replyLogger is the logger that contrib's store gets. It keeps answers and does
// not log them: contrib's words begin with the name of the secret.
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

// classify says what a failure of contrib's GetSecret means.
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
	case answer.status != 0: // 429 throttled, 503 sealed, 5xx, and all that is not foreseen
		return store.Unavailable(answered(answer.status))
	case notAString(err):
		return &credential.StoreError{Kind: credential.FailedPrecondition, Err: errNotAString}
	}
	return store.Unanswered(err, errNotVault)
}

func answered(status int) error { return credential.Remedy(fmt.Sprintf("vault answered %d", status)) }

// What is wrong with a mount; no retry mends it.
const (
	errNoMount = credential.Remedy(
		"there is no KV secrets engine of version 2 where enginePath says: name the mount alone, as in \"secret\"")
	errKV1 = credential.Remedy("the mount that enginePath names is KV version 1, which the store cannot read: " +
		"upgrade it with \"vault kv enable-versioning\", or name another")
)

const (
	errNotVault   = credential.Remedy("the answer is not that of Vault's KV version 2, or not a whole one: see vaultAddr and enginePath")
	errNotAString = credential.Remedy(
		"a value of the secret is not a string: write it as one, or set vaultValueType to \"text\", which reads such secrets")
)

// notAString tells whether contrib failed at a value that is no string. It keeps
// no type: these are encoding/json's words, and a test on a real server has them.
func notAString(err error) bool {
	return strings.HasPrefix(err.Error(), "couldn't decode response body: json: cannot unmarshal ") &&
		strings.Contains(err.Error(), ".data.data of type string")
}

// replyBody is what tells Vault's answers apart.
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
		return replyBody{} // not Vault's
	}
	return body
}

// missing tells whether a 404 is about a secret: Vault gives no reason for a path
// that it serves and that holds nothing, and the version's metadata for one that
// was deleted or destroyed.
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

// noMount tells whether a 404 is Vault's for a path that nothing serves.
func (a reply) noMount() bool {
	body := a.parse()
	return a.status == http.StatusNotFound && body.Errors != nil && len(*body.Errors) > 0
}

// refusedPath is what a policy's refusal of a path is called, by Vault and by
// OpenBao. Of a token that it does not know Vault says one thing more, and OpenBao
// says it without the count.
const refusedPath = "1 error occurred:\n\t* permission denied\n\n"

// refusesPath tells whether a 403 is about what was asked for, and not about us.
func (a reply) refusesPath() bool {
	body := a.parse()
	return a.status == http.StatusForbidden && body.Errors != nil && slices.Equal(*body.Errors, []string{refusedPath})
}

// refusesUs tells whether a failure is that Vault refuses the token, and not what was asked for.
func refusesUs(err error) bool {
	var refused *credential.StoreError
	return errors.As(err, &refused) && refused.Kind == credential.Denied && refused.General
}

// refusesVersion tells whether a request failed for its version, which is KV
// version 2's alone. Vault and OpenBao say why in different words, but both name
// the field.
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
