package component

import (
	"context"
	"fmt"
	"time"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver/credential"
)

// logObserver writes the events of one instance to the log. The log names the store that
// failed, and has a hash of the reference. The application sees neither.
type logObserver struct {
	log   logger.Logger
	key   instanceKey
	lines *lineLimit
}

var _ Observer = (*logObserver)(nil)

func newLogObserver(log logger.Logger, key instanceKey) *logObserver {
	return &logObserver{log: log, key: key, lines: newLineLimit()}
}

// Observe implements Observer.
func (o *logObserver) Observe(_ context.Context, e Event) {
	switch e.Kind {
	case Resolved, BulkAnswered:
		o.failed(e)
	case Saved:
		if e.Err == nil {
			o.log.Infof("credential %q: saved", e.GUID)
		}
		o.failed(e)
	case LeftOut:
		o.leftOut(e)
	case ServedStale:
		if e.First {
			o.write(o.log.Warnf, e.Err, "credentials became stale",
				fmt.Sprintf("; answered with the last good credential, %s old", e.Age.Round(time.Second)))
		}
	case ConfigRead: // at debug level, the calls say enough
	case UnknownSource:
		o.log.Warnf("credential %q: its credentialSource is neither direct nor agent; treated as direct", e.GUID)
	case UnusedSecret:
		if e.First {
			o.unused(e)
		}
	case StoreCalled:
		o.log.Debugf("%s: called, %s in %s", e.Store, e.Code(), e.Took)
	case Refreshed:
		o.log.Debugf("credential %q: refreshed in the background, %s in %s", e.GUID, e.Code(), e.Took)
	case InstanceCame:
		o.log.Debugf("Component %q: its stores are open", e.Component)
	case InstanceWent:
		o.log.Debugf("Component %q: its stores are closing", e.Component)
		o.lines.close()
	}
}

// failed logs a request that failed.
func (o *logObserver) failed(e Event) {
	if e.Err == nil {
		return
	}
	log := o.log.Infof
	if e.Err.Kind.Retryable() || e.Err.Kind == credential.Denied || e.Err.Kind == credential.Internal || e.Err.Remedy() != "" {
		log = o.log.Warnf
	}
	o.write(log, e.Err, "requests failed with this code", "")
}

// leftOut logs a credential that was left out of a bulk answer.
func (o *logObserver) leftOut(e Event) {
	log := o.log.Warnf
	if e.Err.Kind == credential.InvalidRequest { // the caller asked for fields that it does not have
		log = o.log.Infof
	}
	o.write(log, e.Err, "credentials were left out of bulk answers", "; left out of a bulk answer")
}

// unused logs a config with fields that name secrets, where nothing of those secrets was used.
func (o *logObserver) unused(e Event) {
	more := ""
	switch n := len(e.Unused) - 1; {
	case n == 1:
		more = ", and so does 1 more field"
	case n > 1:
		more = fmt.Sprintf(", and so do %d more fields", n)
	}
	o.log.Warnf("credential %q: its field %s names a secret of which no entry was used (reference %s)%s: "+
		"the value is unchanged; if it should be a reference, name the entry with an explicit reference, "+
		"otherwise list the field in literalFields",
		e.GUID, credential.QuoteName(e.Unused[0].Field), o.key.hash(e.Unused[0].Secret), more)
}

// write logs a failure, its remedy and its outcome. It limits the rate of each kind of line,
// and logs the number of dropped lines later; several describes them. A store's own words
// are logged at debug level only.
func (o *logObserver) write(log func(format string, args ...any), e *credential.Error, several, outcome string) {
	c := code(e.Kind)
	if !o.lines.allow(c.String()+" "+several, func(dropped int) { log("%s: %d more %s", c, dropped, several) }) {
		return
	}
	remedy := e.Remedy()
	if remedy != "" {
		outcome = ": " + remedy + outcome
	}
	switch {
	case e.Reference != "":
		log("%s: %s (reference %s)%s", c, e, o.key.hash(e.Reference), outcome)
	default:
		log("%s: %s%s", c, e, outcome)
	}
	if detail := e.Detail(); detail != "" && detail != remedy {
		o.log.Debugf("%s: the store said: %s", c, detail)
	}
}
