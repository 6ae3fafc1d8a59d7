package credential

import "errors"

// The two stores in public texts, which do not tell one store of secrets from another.
const (
	configStore = "config store"
	secretStore = "secret store"
)

// ConfigStoreLabel is the label of the store of configs.
const ConfigStoreLabel = "configStore"

// noSuchCredential is the reason for a GUID without a config.
const noSuchCredential = "no such credential"

// NoSuchCredential tells whether an error means that no credential has this GUID. An error of
// kind NotFound may also mean that one of its secrets is missing.
func NoSuchCredential(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotFound && e.Reason == noSuchCredential
}

// storeReason returns the public text for the failure of a store.
func storeReason(k Kind, store string) string {
	switch k {
	case Denied:
		return "the " + store + " refused the request"
	case Timeout:
		return "the " + store + " did not answer in time"
	case FailedPrecondition:
		return "the " + store + " holds the requested data in a form that cannot be used (see the component's log)"
	case Internal:
		return ReasonInternal
	default:
		return "the " + store + " is unavailable"
	}
}

// ReasonInternal is the reason for a fault of this program.
const ReasonInternal = "internal error"

// NoCredential returns the error for a GUID without a config.
func NoCredential(guid string, cause error) *Error {
	return &Error{Kind: NotFound, GUID: guid, Reason: noSuchCredential, Cause: cause}
}

// storeFailure returns the public error for the failure of a store.
func storeFailure(guid, store string, err error) *Error {
	kind := KindOf(err)
	if kind == NotFound || kind == InvalidRequest || kind == TooLarge {
		kind = Internal // a store must not return these kinds
	}
	reason := storeReason(kind, store)
	if errors.Is(err, ErrOverloaded) {
		reason = "the component is overloaded: too many calls to the " + store + " are waiting"
	}
	return &Error{Kind: kind, GUID: guid, Reason: reason, Cause: err}
}

// ConfigStoreFailure returns the public error for a failure of the config store. guid is ""
// if the failure is about no single credential.
func ConfigStoreFailure(guid string, err error) *Error {
	failure := storeFailure(guid, configStore, err)
	failure.Store = ConfigStoreLabel
	return failure
}

// SecretStoreFailure returns the public error for a failure of a store of secrets. store is its
// label, see [SecretStoreLabel].
func SecretStoreFailure(guid, store string, ref Reference, err error) *Error {
	failure := storeFailure(guid, secretStore, err)
	failure.Store, failure.Reference = store, ref
	return failure
}

// Precondition returns an error of kind FailedPrecondition, without a GUID.
func Precondition(reason string, cause error) *Error {
	return &Error{Kind: FailedPrecondition, Reason: reason, Cause: cause}
}

// WithGUID returns a copy of an error with the GUID. An error that is no [*Error] becomes one
// of kind Internal.
func WithGUID(guid string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{GUID: guid, Reason: ReasonInternal, Cause: err}
	}
	named := *e
	named.GUID = guid
	return &named
}

// InvalidName returns the error for a stated name that its store cannot be asked for (section
// 4, step 5). subject is the beginning of its reason.
func InvalidName(subject, name string) *Error {
	failure := Precondition(subject+" a name that no secret of its store can have", nil)
	failure.Reference = Reference(name)
	return failure
}

// SecretNotFound returns the error for a missing secret. store is the label of its store.
func SecretNotFound(guid, store, name, reason string) *Error {
	return &Error{
		Kind: NotFound, GUID: guid, Reason: reason,
		Store: store, Reference: Reference(name),
	}
}
