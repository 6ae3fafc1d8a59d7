package component

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"credential-resolver/backend/store"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// Observer is told of everything that happens in the component. Metrics and the log are
// observers; an audit log and tracing would be two more.
type Observer interface {
	// Observe is called from many goroutines at once, and the request waits for it. The
	// context is the request's, or that of the call to a store or of the background refresh.
	Observe(ctx context.Context, event Event)
}

// EventKind is the kind of an [Event]. The set is closed.
type EventKind uint8

// The kinds, each with the fields that it sets besides Component. A failure also sets Err.
const (
	// Resolved is a request for one credential that was answered: GUID, FromCache, Took.
	// InBulk tells that it is one credential of a bulk answer.
	Resolved EventKind = iota + 1
	// BulkAnswered is a bulk request that was answered: Took.
	BulkAnswered
	// LeftOut is a credential that a bulk answer does without: GUID, Err.
	LeftOut
	// Saved is a request to save a credential that was answered: GUID, Took.
	Saved
	// StoreCalled is one attempt at a store: Store, Took. A missing secret or config is
	// an Err of kind NotFound.
	StoreCalled
	// Refreshed is the end of a background refresh: GUID, Took.
	Refreshed
	// ServedStale is an answer that is the last good credential: GUID, Age, First, and why
	// as Err.
	ServedStale
	// UnknownSource is a config whose credentialSource was taken for direct: GUID.
	UnknownSource
	// UnusedSecret is a config whose fields name secrets of which nothing was used: GUID,
	// Unused, First.
	UnusedSecret
	// InstanceCame is an instance that was initialised.
	InstanceCame
	// InstanceWent is an instance that was closed. It is the instance's last event, but for
	// calls to stores that outlive it.
	InstanceWent
)

// Event is something that happened. It holds no value of a credential, and prints no name
// of a secret. It is a struct and not an interface so that a cache hit allocates nothing.
type Event struct {
	Kind EventKind
	// Component is the name of the Component; "" before Init.
	Component string
	// GUID is the credential's; "" if there is none, or the request's is malformed.
	GUID string
	// Err is the failure; nil if all went well. Its text is public. Its Reference and its
	// Detail are for a log alone, hashed and at debug level.
	Err *credential.Error
	// Store is the label of a store: "configStore", "secretStore" or "secretStores.<name>".
	Store string
	// Took is how long it took.
	Took time.Duration
	// Age is the age of a stale credential.
	Age time.Duration
	// Unused are the fields of a config that name unused secrets.
	Unused []resolver.Unused
	// FromCache tells that no store was waited for.
	FromCache bool
	// InBulk tells that the credential is part of a bulk answer.
	InBulk bool
	// First tells that it is the first such event for this credential or config.
	First bool
}

// Code returns the gRPC code that the event ended with.
func (e Event) Code() codes.Code {
	if e.Err == nil {
		return codes.OK
	}
	return code(e.Err.Kind)
}

// emitter sends the events of one instance to the observers. The packages below report
// to it, each through an interface of its own.
type emitter struct {
	component string
	observers []Observer
}

var (
	_ store.Observer    = (*emitter)(nil)
	_ resolver.Observer = (*emitter)(nil)
	_ cache.Observer    = (*emitter)(nil)
)

func (e *emitter) emit(ctx context.Context, event Event) {
	event.Component = e.component
	for _, o := range e.observers {
		o.Observe(ctx, event)
	}
}

// StoreCalled implements store.Observer. A store's error may be of any kind and text.
func (e *emitter) StoreCalled(ctx context.Context, store string, took time.Duration, err error) {
	event := Event{Kind: StoreCalled, Store: store, Took: took}
	if err != nil {
		event.Err = &credential.Error{Kind: credential.KindOf(err), Reason: "a call to a store failed", Store: store, Cause: err}
	}
	e.emit(ctx, event)
}

// UnknownSource implements resolver.Observer.
func (e *emitter) UnknownSource(ctx context.Context, guid string) {
	e.emit(ctx, Event{Kind: UnknownSource, GUID: guid})
}

// UnusedSecrets implements resolver.Observer.
func (e *emitter) UnusedSecrets(ctx context.Context, guid string, unused []resolver.Unused, first bool) {
	e.emit(ctx, Event{Kind: UnusedSecret, GUID: guid, Unused: unused, First: first})
}

// Refreshed implements cache.Observer.
func (e *emitter) Refreshed(ctx context.Context, guid string, took time.Duration, err error) {
	e.emit(ctx, Event{Kind: Refreshed, GUID: guid, Took: took, Err: asError(err)})
}
