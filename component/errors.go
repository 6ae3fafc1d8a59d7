package component

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dapr/kit/logger"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// code is the one table from kinds of failure to gRPC codes (DESIGN.md, section 5).
func code(k credential.Kind) codes.Code {
	switch k {
	case credential.InvalidRequest:
		return codes.InvalidArgument
	case credential.NotFound:
		return codes.NotFound
	case credential.FailedPrecondition:
		return codes.FailedPrecondition
	case credential.Denied:
		return codes.PermissionDenied
	case credential.Unavailable:
		return codes.Unavailable
	case credential.Timeout:
		return codes.DeadlineExceeded
	case credential.TooLarge:
		return codes.ResourceExhausted
	default:
		return codes.Internal
	}
}

// reporter turns failures into what the application sees, and what the log says
// besides: which store, and a hash of the reference.
type reporter struct {
	log     logger.Logger
	metrics *Metrics
	key     []byte // the instance's own
	lines   *lineLimit
}

// newReporter returns a reporter that hashes with a key.
func newReporter(log logger.Logger, metrics *Metrics, key []byte) *reporter {
	return &reporter{log: log, metrics: metrics, key: key, lines: newLineLimit()}
}

// report logs and counts a failure, and returns it as a gRPC status.
func (r *reporter) report(err error) error {
	e := r.known(err)
	r.metrics.answered(code(e.Kind))
	log := r.log.Infof
	if e.Kind.Retryable() || e.Kind == credential.Denied || e.Kind == credential.Internal || e.Remedy() != "" {
		log = r.log.Warnf
	}
	r.write(log, e, "requests failed so", "")
	return status.Error(code(e.Kind), e.Error())
}

// leftOut logs and counts the failure of a credential that the answer to a bulk
// request does without.
func (r *reporter) leftOut(err error) {
	e := r.known(err)
	r.metrics.bulkLeftOut.WithLabelValues(code(e.Kind).String()).Inc()
	log := r.log.Warnf
	if e.Kind == credential.InvalidRequest { // it has not all fields that were asked for: the caller's choice
		log = r.log.Infof
	}
	r.write(log, e, "credentials were left out of bulk answers", "; left out of a bulk answer")
}

// stale counts an answer that is the last good credential, and logs why, once for each.
func (r *reporter) stale(answer cache.Answer) {
	r.metrics.staleAnswers.Inc()
	if answer.BecameStale {
		age := time.Since(answer.ReadAt).Round(time.Second)
		r.write(r.log.Warnf, r.known(answer.Stale), "credentials were answered as they were before",
			fmt.Sprintf("; answered as it was %s ago", age))
	}
}

// unused counts a config whose fields name secrets of which nothing was used, and logs that
// once for each config.
func (r *reporter) unused(guid string, unused []resolver.Unused, first bool) {
	r.metrics.unusedSecrets.Inc()
	if !first {
		return
	}
	more := ""
	if n := len(unused) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more of its fields", n)
	}
	r.log.Warnf("credential %q: its field %s names a secret of which nothing was used (reference %s)%s: "+
		"the value stays; if it is meant as a reference, name the entry by an explicit one, "+
		"else list the field in literalFields",
		guid, credential.QuoteName(unused[0].Field), r.hash(unused[0].Secret), more)
}

// known returns a failure as one of the domain, which every one should be.
func (r *reporter) known(err error) *credential.Error {
	var e *credential.Error
	if !errors.As(err, &e) {
		r.log.Errorf("a failure without a kind (%T)", err)
		return &credential.Error{Kind: credential.Internal, Reason: "internal error"}
	}
	return e
}

// write logs a failure, its remedy and what became of it, unless there were many like it
// lately: such are counted, by words for several. A store's own words are for debug.
func (r *reporter) write(log func(format string, args ...any), e *credential.Error, several, outcome string) {
	c := code(e.Kind)
	if !r.lines.allow(c.String()+" "+several, func(dropped int) { log("%s: %d more %s", c, dropped, several) }) {
		return
	}
	remedy := e.Remedy()
	if remedy != "" {
		outcome = ": " + remedy + outcome
	}
	switch {
	case e.Reference != "":
		log("%s: %s (reference %s)%s", c, e, r.hash(e.Reference), outcome)
	default:
		log("%s: %s%s", c, e, outcome)
	}
	if detail := e.Detail(); detail != "" && detail != remedy {
		r.log.Debugf("%s: the store said: %s", c, detail)
	}
}

// fingerprint tells a credential from any other, the same way as long as the process
// runs, whatever form and fields of it are asked for (DESIGN.md, section 3). What is in
// a credential can be guessed, so the hash has the instance's own key: another instance
// cannot try guesses until its fingerprint is the same.
func (r *reporter) fingerprint(c *credential.Credential) string {
	mac := hmac.New(sha256.New, r.key)
	_, _ = io.WriteString(mac, "fingerprint\x00"+c.GUID+"\x00") // which no reference is hashed with
	for name, v := range c.Fields.All() {
		text, _ := v.AsText() // what is not UTF-8 is refused where it is encoded
		_, _ = fmt.Fprintf(mac, "%d:%s=%d:%d:%s;", len(name), name, v.Kind(), len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintSize/2])
}

// fingerprintSize is the length of a fingerprint.
const fingerprintSize = 32

// hash names a reference in a log, the same way as long as the process runs. It has
// the instance's own key, since a reference may be a password that can be guessed.
func (r *reporter) hash(ref credential.Reference) string {
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(ref))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
