package component

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/audit"
	"credential-resolver/resolver/credential"
)

// auditPatience is how long a request waits for its audit line. A disk may hang.
const auditPatience = 3 * time.Second

// auditor writes the requests of one instance to the audit log. A nil auditor writes nothing.
type auditor struct {
	log       *audit.Writer
	component string // the Component's name
	instance  string
}

// newAuditor returns the auditor of an instance; nil if there is no log. id is the instance's
// ID, see [pluggable.InstanceID].
func newAuditor(log *audit.Writer, component, id string) *auditor {
	if log == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(id))
	return &auditor{log, component, hex.EncodeToString(sum[:4])}
}

// newReceipt returns the receipt of a request that has several lines; nil if nothing is written.
func (a *auditor) newReceipt() *audit.Receipt {
	if a == nil {
		return nil
	}
	return &audit.Receipt{}
}

// add writes the line of one credential of a bulk request.
func (a *auditor) add(ctx context.Context, e Event, receipt *audit.Receipt) {
	if a != nil {
		a.log.Add(a.record(ctx, &e), receipt)
	}
}

// commit writes the line of a request that is about to be answered. It returns an error of kind
// Unavailable if the answer must not go out without the line, and the line cannot be written.
// Otherwise, it returns the event's error.
func (a *auditor) commit(ctx context.Context, e *Event, receipt *audit.Receipt) *credential.Error {
	if a == nil {
		return e.Err
	}
	record := a.record(ctx, e)
	if !a.log.Required() {
		a.log.Add(record, nil)
		return e.Err
	}
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	if err := a.log.Commit(ctx, record, receipt); err != nil {
		return &credential.Error{Kind: credential.Unavailable, GUID: e.GUID, Reason: "the request cannot be audited", Cause: err}
	}
	return e.Err
}

// record returns the line of an event.
func (a *auditor) record(ctx context.Context, e *Event) audit.Record {
	r := audit.Record{
		Time: time.Now(), Event: audit.Read, Component: a.component, Instance: a.instance,
		GUID: e.GUID, Outcome: audit.Answered, Code: e.Code().String(), Fields: e.Fields,
		Credential: e.Credential, Cached: e.Cache == CacheHit || e.Cache == CacheStale, InBulk: e.InBulk, Took: e.Took,
	}
	setCaller(ctx, &r)
	switch e.Kind {
	case BulkAnswered:
		r.Event = audit.Bulk
	case Saved:
		r.Event = audit.Save
	}
	if e.Cache != CacheNone {
		r.Cache = e.Cache.String()
	}
	if e.Err == nil {
		return r
	}
	r.Credential, r.FailedStore, r.FailedSecret = nil, e.Err.Store, e.Err.Reference
	switch {
	case e.Kind == LeftOut:
		r.Outcome, r.InBulk = audit.LeftOut, true
	case e.Err.Kind == credential.Denied:
		r.Outcome = audit.Denied
	default:
		r.Outcome = audit.Failed
	}
	return r
}

// setCaller sets the process that made a call.
func setCaller(ctx context.Context, r *audit.Record) {
	caller, ok := pluggable.CallerOf(ctx)
	r.HasPeer, r.UID, r.PID = ok, caller.UID, caller.PID
}

// The lines that calls of users that may not call get: strangerBurst at once, and then one each
// strangerInterval. Further calls are only counted, so that a stranger cannot fill the disk.
const (
	strangerBurst    = 20
	strangerInterval = time.Second
)

// refusals writes the calls that no instance answers to the audit log.
type refusals struct {
	log *audit.Writer

	mu    sync.Mutex
	limit *rate.Limiter
	more  int          // calls without a line since the last line
	last  audit.Record // the last of them
	timer *time.Timer  // writes a line of them
}

func newRefusals(log *audit.Writer) *refusals {
	return &refusals{log: log, limit: rate.NewLimiter(rate.Every(strangerInterval), strangerBurst)}
}

// refused writes a call.
func (f *refusals) refused(ctx context.Context, call pluggable.RefusedCall) {
	if f.log == nil {
		return
	}
	r := audit.Record{
		Time: time.Now(), Event: audit.Refused, Component: call.Component, Method: call.Method,
		Outcome: audit.Failed, Code: call.Code.String(),
	}
	if call.Stranger {
		r.Outcome = audit.Denied
	}
	if credential.ValidGUID(call.Key) {
		r.GUID = call.Key
	}
	setCaller(ctx, &r)
	if call.Stranger && !f.allow(&r) {
		return
	}
	f.log.Add(r, nil)
}

// allow reports whether a stranger's call gets a line. The line has the number of calls before it
// that got none.
func (f *refusals) allow(r *audit.Record) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limit.Allow() {
		r.More, f.more = f.more, 0
		return true
	}
	f.more, f.last = f.more+1, *r
	if f.timer == nil {
		f.timer = time.AfterFunc(lineInterval, f.flush)
	}
	return false
}

// flush writes a line that tells of the calls that got none.
func (f *refusals) flush() {
	f.mu.Lock()
	r, more := f.last, f.more
	f.more, f.timer = 0, nil
	f.mu.Unlock()
	if more > 0 {
		r.More = more - 1
		f.log.Add(r, nil)
	}
}

// close writes what flush would write later.
func (f *refusals) close() {
	f.mu.Lock()
	timer := f.timer
	f.mu.Unlock()
	if timer != nil && timer.Stop() {
		f.flush()
	}
}
