package vault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// answer is an answer of any status.
type answer struct {
	status     int
	body       []byte
	retryAfter string // the header of this name
	reply      reply  // the parts of the body, if the status is not 200
}

func newAnswer(status int, body []byte, retryAfter string) answer {
	a := answer{status: status, body: body, retryAfter: retryAfter}
	if status != http.StatusOK {
		a.reply = parse(body)
	}
	return a
}

// failure classifies an answer to the reading of a secret whose status is not 200.
func (a answer) failure() error {
	switch a.status {
	case http.StatusNotFound:
		switch {
		case a.missing():
			return store.Absent()
		case a.noMount():
			return store.Unavailable(errNoMount)
		}
	case http.StatusForbidden, http.StatusUnauthorized:
		refusal := &credential.StoreError{Kind: credential.Denied, General: !a.refusesPath(), Err: answered(a.status)}
		if a.fromVault() && refusal.General && !a.refusedBySentinel() {
			refusal.Err = errTokenRefused
		}
		return refusal
	}
	return a.unavailable() // 503 sealed, 5xx, and everything else
}

// unavailable returns the error for an answer that says nothing about what was asked.
func (a answer) unavailable() error {
	err := error(answered(a.status))
	if a.status == http.StatusTooManyRequests {
		err = store.ThrottledBy(err, a.retryAfter)
	}
	return store.Unavailable(err)
}

func answered(status int) credential.Remedy {
	return credential.Remedy(fmt.Sprintf("vault answered %d", status))
}

// These errors say what is wrong with a mount. A retry cannot fix it.
const (
	errNoMount = credential.Remedy(
		"enginePath does not name a KV secrets engine: set it to the mount only, such as \"secret\"")
	errMountHidden = credential.Remedy("enginePath names no mount, or one that the policies give no right to: " +
		"so no secret of it counts as missing")
	errNotVault = credential.Remedy("the answer does not come from Vault's KV secrets engine, or is incomplete: check vaultAddr and enginePath")
)

// reply holds the parts of an answer's body that tell answers apart.
type reply struct {
	Errors *[]string       `json:"errors"`
	Data   json.RawMessage `json:"data"`

	isJSON bool
}

// parse returns the parts of a body. They are empty if the body is not from Vault.
func parse(body []byte) reply {
	var r reply
	if json.Unmarshal(body, &r) != nil {
		return reply{isJSON: json.Valid(body)}
	}
	r.isJSON = true
	return r
}

// versioned is the data of KV version 2.
type versioned struct {
	Data     json.RawMessage `json:"data"`
	Metadata *struct {
		Version int `json:"version"`
	} `json:"metadata"`
}

// isDoubtful reports whether an answer without a secret may come from a mount of another version
// than the one that was asked: 404 without a reason, 200 with other data, version 1's refusal of a
// name, or 405, which version 2 answers for paths that it only writes to.
func (a answer) isDoubtful() bool {
	switch a.status {
	case http.StatusOK:
		return !isNull(parse(a.body).Data)
	case http.StatusNotFound:
		return !a.noMount() && a.reply.isJSON
	case http.StatusMethodNotAllowed:
		return a.fromVault()
	}
	return a.refusesName()
}

// fromVault reports whether an answer that is not 200 has the form of Vault's.
func (a answer) fromVault() bool { return a.reply.Errors != nil }

// secret returns the JSON object of a secret, or nil if the answer has none. Version 2 sends the
// version's metadata beside the object, which tells it from a secret of version 1. wanted is the
// version of the secret that was asked for; "" means the latest.
func (a answer) secret(version int, wanted string) json.RawMessage {
	var object json.RawMessage
	if version == 2 {
		var body struct {
			Data versioned `json:"data"`
		}
		if json.Unmarshal(a.body, &body) != nil || body.Data.Metadata == nil || body.Data.Metadata.Version <= 0 {
			return nil
		}
		if wanted != "" && wanted != strconv.Itoa(body.Data.Metadata.Version) {
			return nil
		}
		object = body.Data.Data
	} else {
		object = parse(a.body).Data
	}
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	return object
}

// missing reports whether a 404 is about a secret. If Vault serves the path but holds nothing
// there, it gives no reason. If the version was deleted or destroyed, it answers with the
// version's metadata.
func (a answer) missing() bool {
	if a.fromVault() {
		return len(*a.reply.Errors) == 0 && isNull(a.reply.Data)
	}
	var data versioned
	return !isNull(a.reply.Data) && json.Unmarshal(a.reply.Data, &data) == nil &&
		data.Metadata != nil && data.Metadata.Version > 0 && isNull(data.Data)
}

func isNull(text json.RawMessage) bool { return len(text) == 0 || string(text) == "null" }

// noMount reports whether a 404 is Vault's answer for a path that no mount serves.
func (a answer) noMount() bool {
	return a.fromVault() && len(*a.reply.Errors) > 0
}

// refusedPath is the error text of Vault and OpenBao if a policy refuses a path. For a token
// that it does not know, Vault adds another text, and OpenBao leaves out the count.
const refusedPath = "1 error occurred:\n\t* permission denied\n\n"

// refusesPath reports whether a 403 is about the path and not about our token.
func (a answer) refusesPath() bool {
	return a.status == http.StatusForbidden && a.fromVault() && slices.Equal(*a.reply.Errors, []string{refusedPath})
}

// refusedBySentinel reports whether a policy of Vault Enterprise refuses the request: one for a path
// (EGP) or for a token (RGP), written in Sentinel. Its text precedes that of refusedPath. The policy
// may depend on anything, such as the time or our address. So the refusal is not about one name, and
// a login would not help.
func (a answer) refusedBySentinel() bool {
	if !a.fromVault() {
		return false
	}
	said := strings.Join(*a.reply.Errors, "\n")
	return sentinel.MatchString(said) && !strings.Contains(said, "\t* invalid token")
}

var sentinel = regexp.MustCompile(`^\d+ errors? occurred:\s+\* [er]gp \w+ policy "`)

// refusesName reports whether an answer is the refusal of a name with ".." inside a segment, such
// as "a..b". Vault's version 1 cannot store such a secret. Version 2 and OpenBao can.
func (a answer) refusesName() bool {
	return a.status == http.StatusBadRequest && a.fromVault() &&
		slices.Equal(*a.reply.Errors, []string{"1 error occurred:\n\t* read failed: relative paths not supported\n\n"})
}

// errTokenRefused is the failure of a request whose token Vault itself refuses. A proxy may refuse
// a request too, but another token is no remedy for that.
const errTokenRefused = credential.Remedy("vault refuses the token")
