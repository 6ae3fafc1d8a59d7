package audit

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"credential-resolver/resolver/credential"
)

// Event is what a line is about. The set is closed.
type Event string

// The events. A Record has one of the first four; the Writer adds the others.
const (
	// Read is a request for one credential, or one credential of a bulk request.
	Read Event = "read"
	// Bulk is a request for all credentials. It follows the lines of its credentials.
	Bulk Event = "bulk"
	// Save is a request to save a credential.
	Save Event = "save"
	// Refused is a call that no Component has answered.
	Refused Event = "refused"

	started Event = "start" // a process opened the log
	opened  Event = "file"  // the process began a file, because the old one was renamed
	lost    Event = "lost"  // lines before this one were lost
	stopped Event = "stop"  // the process closed the log
)

// Outcome is how a request ended. The set is closed.
type Outcome string

// The outcomes.
const (
	Answered Outcome = "answered"
	Denied   Outcome = "refused"  // the caller may not do this
	Failed   Outcome = "failed"   // any other failure
	LeftOut  Outcome = "left-out" // of a bulk answer
)

// Record is a line before it is written. A zero field is left out, unless it says otherwise.
type Record struct {
	// Time is when the request ended.
	Time  time.Time
	Event Event
	// Component is the name of the Dapr Component, and Instance tells apart those of one name.
	Component, Instance string
	// HasPeer says that UID and PID are set. PID is 0 if the caller is in another PID namespace.
	HasPeer bool
	UID     uint32
	PID     int32
	// GUID is the credential's GUID; "" if it is malformed.
	GUID    string
	Outcome Outcome
	// Code is the gRPC code of the answer.
	Code string
	// Fields are the fields that were asked for; nil for all.
	Fields []string
	// Credential is the answer; nil if there is none. Its fingerprint and the hashed names of
	// its secrets are written.
	Credential *credential.Credential
	// Cached says that the credential is in the cache too, so that the queue costs no memory.
	Cached bool
	// FailedStore and FailedSecret are what the failure is about.
	FailedStore  string
	FailedSecret credential.Reference
	// Cache is what the cache had: hit, miss, stale or negative.
	Cache string
	// InBulk says that the credential is part of a bulk answer.
	InBulk bool
	// Method is the gRPC method of a call that was refused.
	Method string
	// More is the number of further calls like this one that have no line.
	More int
	// Took is the duration of the request. It is always written for a Read, Bulk or Save.
	Took time.Duration
}

// recordOverhead is the memory that a record needs in the queue, and more than most lines have,
// in bytes.
const recordOverhead = 600

// weight returns the memory that the record needs in the queue, in bytes.
func (r *Record) weight() int {
	weight := recordOverhead
	for _, field := range r.Fields {
		weight += len(field) + 16
	}
	if r.Credential != nil && !r.Cached {
		weight += credential.SizeOf(r.Credential.Fields)
	}
	return weight
}

// appendTo appends the record's fields to a line's body.
func (r *Record) appendTo(b []byte, about *describer) []byte {
	b = appendHead(b, r.Time, r.Event)
	b = appendText(b, "component", r.Component)
	b = appendText(b, "instance", r.Instance)
	if r.HasPeer {
		b = appendNumber(b, "uid", int64(r.UID))
		b = appendNumber(b, "pid", int64(r.PID))
	}
	b = appendText(b, "method", r.Method)
	b = appendText(b, "guid", r.GUID)
	if r.InBulk {
		b = append(b, `,"bulk":true`...)
	}
	b = appendText(b, "outcome", string(r.Outcome))
	b = appendText(b, "code", r.Code)
	if r.Fields != nil {
		b = append(b, `,"fields":[`...)
		for i, field := range r.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendQuoted(b, field)
		}
		b = append(b, ']')
	}
	b = appendText(b, "cache", r.Cache)
	b = about.appendTo(b, r)
	if r.More > 0 {
		b = appendNumber(b, "more", int64(r.More))
	}
	if r.Event != Refused {
		b = appendNumber(b, "tookMicros", r.Took.Microseconds())
	}
	return b
}

// appendHead appends the fields that begin each body.
func appendHead(b []byte, at time.Time, event Event) []byte {
	b = append(b, `"time":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `","event":"`...)
	return append(append(b, event...), '"')
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendQuoted(appendName(b, name), text)
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(b, name), n, 10)
}

func appendName(b []byte, name string) []byte {
	return append(append(append(b, ',', '"'), name...), '"', ':')
}

// appendQuoted appends a JSON string. It replaces what is not UTF-8.
func appendQuoted(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
