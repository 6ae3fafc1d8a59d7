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

// Observer receives every event of the component. Metrics, the log and [Tracing] are observers.
// The audit log is not: it must be able to refuse an answer, so it has the requests first.
type Observer interface {
	// Observe handles one event. Many goroutines call it at once, and the request waits for it.
	// The context is that of the request, of the call to a store, or of the background refresh.
	Observe(ctx context.Context, event Event)
}

// Beginner is an optional interface of an [Observer] that is told when something begins, too.
type Beginner interface {
	// Begin is called when a request or a background refresh begins. kind is the kind of the
	// event at its end: Resolved, BulkAnswered, Saved or Refreshed. It returns the context of
	// the request: ctx, or one with further values. Each event of the request has these values,
	// and so has each StoreCalled of a read that the request began.
	Begin(ctx context.Context, kind EventKind) context.Context
}

// EventKind is the kind of an [Event]. The set is closed.
type EventKind uint8

// The kinds of event. Each lists the fields that it sets besides Component. A failure also
// sets Err.
const (
	// Resolved is a request for one credential that was answered: GUID, Cache, Waited, Took,
	// Fields and Credential. InBulk says that the credential is part of a bulk answer.
	Resolved EventKind = iota + 1
	// BulkAnswered is a bulk request that was answered: Took, Fields.
	BulkAnswered
	// LeftOut is a credential that was left out of a bulk answer: GUID, Err, Cache, Took, Fields.
	LeftOut
	// Saved is a request to save a credential that was answered: GUID, Took.
	Saved
	// StoreCalled is one attempt to call a store: Store, StoreType, Attempt, Queued, Took. For a
	// missing secret or config, Err has kind NotFound.
	StoreCalled
	// Refreshed is the end of a background refresh: GUID, Took.
	Refreshed
	// ServedStale is an answer with the last good credential: GUID, Age, First. Err is the
	// reason.
	ServedStale
	// ConfigRead is a config that was read: GUID, Source, Mode.
	ConfigRead
	// UnknownSource is a config with an unknown credentialSource, treated as direct: GUID.
	UnknownSource
	// UnusedSecret is a config with fields that name secrets, where nothing of those secrets
	// was used: GUID, Unused, First.
	UnusedSecret
	// InstanceCame is an instance that was initialised.
	InstanceCame
	// InstanceWent is an instance that was closed. It is the instance's last event, except for
	// calls to stores that end later.
	InstanceWent
)

// CacheState is what the cache had for a request. The set is closed. CacheNone is the zero
// value.
type CacheState = cache.State

// The states of the cache; see [cache.State].
const (
	CacheNone     CacheState = 0 // the request was refused before the cache was asked
	CacheMiss                = cache.Miss
	CacheHit                 = cache.Hit
	CacheStale               = cache.Stale
	CacheNegative            = cache.Negative
)

// Event is one event of the component. It contains no value of a credential, and prints no
// secret name. It is a struct and not an interface so that a cache hit allocates nothing.
type Event struct {
	Kind EventKind
	// Component is the name of the Component; "" before Init.
	Component string
	// GUID is the credential's GUID; "" if the event has no credential, or the GUID is malformed.
	GUID string
	// Err is the failure; nil for success. Its text is public. Its Reference and its Detail are
	// only for a log: the Reference hashed, the Detail at debug level.
	Err *credential.Error
	// Store is the label of a store: "configStore", "secretStore" or "secretStores.<name>".
	Store string
	// StoreType is its type, such as "state.redis".
	StoreType string
	// Attempt counts the attempts of one call to a store, from 1.
	Attempt int
	// Queued is how long the attempt waited in the store's queue. It is not part of Took.
	Queued time.Duration
	// Source and Mode say where the config's secrets are, and how it refers to them.
	Source credential.Source
	Mode   credential.SecretMode
	// Took is the duration of the request, call or refresh.
	Took time.Duration
	// Age is the age of a stale credential.
	Age time.Duration
	// Unused are the fields of the config that name unused secrets.
	Unused []resolver.Unused
	// Cache is what the cache had for the request.
	Cache CacheState
	// Waited says that the request waited for a store before it got a stale answer.
	Waited bool
	// Credential is the answered credential, which prints as a fixed word. Nil: there is none.
	Credential *credential.Credential
	// Fields are the fields that were asked for; nil for all.
	Fields []string
	// InBulk says that the credential is part of a bulk answer.
	InBulk bool
	// First says that this is the first such event for this credential or config.
	First bool
}

// Code returns the gRPC code of the event; OK for success.
func (e Event) Code() codes.Code {
	if e.Err == nil {
		return codes.OK
	}
	return code(e.Err.Kind)
}

// emitter sends the events of one instance to the observers. It implements the observer
// interface of each package below.
type emitter struct {
	component string
	observers []Observer
	beginners []Beginner // those of the observers that are one
}

func newEmitter(component string, observers []Observer) *emitter {
	e := &emitter{component: component, observers: observers}
	for _, o := range observers {
		if b, ok := o.(Beginner); ok {
			e.beginners = append(e.beginners, b)
		}
	}
	return e
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

// begin tells the observers of a request or a refresh that begins. It returns the context for
// it.
func (e *emitter) begin(ctx context.Context, kind EventKind) context.Context {
	for _, b := range e.beginners {
		ctx = b.Begin(ctx, kind)
	}
	return ctx
}

// StoreCalled implements store.Observer. A store's error may have any kind and any text.
func (e *emitter) StoreCalled(ctx context.Context, a store.Attempt) {
	event := Event{
		Kind: StoreCalled, Store: a.Store, StoreType: a.Type, Attempt: a.Number, Queued: a.Queued, Took: a.Took,
	}
	if a.Err != nil {
		event.Err = &credential.Error{
			Kind: credential.KindOf(a.Err), Reason: "a call to a store failed", Store: a.Store, Cause: a.Err,
		}
	}
	e.emit(ctx, event)
}

// ConfigRead implements resolver.Observer.
func (e *emitter) ConfigRead(ctx context.Context, guid string, source credential.Source, mode credential.SecretMode) {
	e.emit(ctx, Event{Kind: ConfigRead, GUID: guid, Source: source, Mode: mode})
}

// UnknownSource implements resolver.Observer.
func (e *emitter) UnknownSource(ctx context.Context, guid string) {
	e.emit(ctx, Event{Kind: UnknownSource, GUID: guid})
}

// UnusedSecrets implements resolver.Observer.
func (e *emitter) UnusedSecrets(ctx context.Context, guid string, unused []resolver.Unused, first bool) {
	e.emit(ctx, Event{Kind: UnusedSecret, GUID: guid, Unused: unused, First: first})
}

// Refreshing implements cache.Observer.
func (e *emitter) Refreshing(ctx context.Context, _ string) context.Context {
	return e.begin(ctx, Refreshed)
}

// Refreshed implements cache.Observer.
func (e *emitter) Refreshed(ctx context.Context, guid string, took time.Duration, err error) {
	e.emit(ctx, Event{Kind: Refreshed, GUID: guid, Took: took, Err: asError(err)})
}
