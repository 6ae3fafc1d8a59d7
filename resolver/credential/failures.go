package credential

import "errors"

// ConfigStoreName and SecretStoreName are the names of the two stores in public texts.
const (
	ConfigStoreName = "config store"
	SecretStoreName = "secret store"
)

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

// StoreFailure returns the public error for the failure of a store. guid and ref may be "".
func StoreFailure(guid, store string, ref Reference, err error) *Error {
	kind := KindOf(err)
	if kind == NotFound || kind == InvalidRequest || kind == TooLarge {
		kind = Internal // a store must not return these kinds
	}
	reason := storeReason(kind, store)
	if errors.Is(err, ErrOverloaded) {
		reason = "the component is overloaded: too many calls to the " + store + " are waiting"
	}
	return &Error{
		Kind: kind, GUID: guid, Reason: reason,
		Store: store, Reference: ref, Cause: err,
	}
}

// ConfigStoreFailure returns the public error for a failure of the config store. guid is ""
// if the failure is about no single credential.
func ConfigStoreFailure(guid string, err error) *Error {
	return StoreFailure(guid, ConfigStoreName, "", err)
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

// SecretNotFound returns the error for a missing secret.
func SecretNotFound(guid, name, reason string) *Error {
	return &Error{
		Kind: NotFound, GUID: guid, Reason: reason,
		Store: SecretStoreName, Reference: Reference(name),
	}
}
