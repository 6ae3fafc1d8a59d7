package credential

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// Error is a failure to resolve one credential. Its text is public: it holds
// the GUID, fixed words and names of fields, and never a value, a reference, a
// path or a store's own words. Those are for a log, by [Error.Detail].
type Error struct {
	// Kind is what the failure means to the caller.
	Kind Kind
	// GUID is the credential's, if it is well-formed; else "".
	GUID string
	// Reason is the fixed words.
	Reason string
	// Store is which store failed ("config store", "secret store"); "" if none did.
	Store string
	// Reference is the name of a secret that the failure is about; "" if none is.
	Reference Reference

	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.GUID == "" {
		return "credential: " + e.Reason
	}
	return `credential "` + e.GUID + `": ` + e.Reason
}

// Format prints the public text for every verb: the cause may hold a reference.
func (e *Error) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Remedy returns what is wrong with the store and what to do about it, as far as we know,
// for a log or a command; "" if we know nothing. See [Remedy].
func (e *Error) Remedy() string { return RemedyOf(e.Cause) }

// Detail returns a store's own words with the reference taken out of them, for
// a log at debug level; "" if no store was involved.
func (e *Error) Detail() string {
	if e.Cause == nil {
		return ""
	}
	text := e.Cause.Error()
	var failure *StoreError
	if errors.As(e.Cause, &failure) && failure.Err != nil {
		text = failure.Err.Error()
	}
	ref := string(e.Reference)
	if ref == "" || text == e.Remedy() {
		return text
	}
	quoted := strconv.Quote(ref)
	var forms []string
	path := strings.ReplaceAll(url.PathEscape(ref), "%2F", "/") // segment by segment
	for _, form := range []string{ref, quoted[1 : len(quoted)-1], path, url.PathEscape(ref), url.QueryEscape(ref), strings.ToLower(ref)} {
		forms = append(forms, form, Redacted)
	}
	return strings.NewReplacer(forms...).Replace(text) // in one pass: the fixed word may hold a form
}

// Reference is the name of a secret. It may be a password that a config holds
// as a literal, so it prints as a fixed word.
type Reference string

// Format prints a fixed word for every verb.
func (Reference) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText gives a fixed word, for logs and encoders.
func (Reference) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// StoreError is a store's failure together with what it means. A store returns
// one with kind NotFound for a config or a secret that is not there.
type StoreError struct {
	// Kind is what the failure means.
	Kind Kind
	// General is whether a refusal (Denied) is not about the one name that was asked
	// for: the store does not know us, or refuses us whatever we ask for.
	General bool
	// Err is the store's own error; its text is not public.
	Err error
}

// Error returns fixed words, never the store's.
func (e StoreError) Error() string { return "store: " + e.Kind.Error() }

// Format prints the fixed words for every verb.
func (e StoreError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// Unwrap returns the store's own error.
func (e StoreError) Unwrap() error { return e.Err }

// Is reports whether target is the failure's kind.
func (e StoreError) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// noSuchCredential is the reason for a GUID without a config.
const noSuchCredential = "no such credential"

// NoSuchCredential tells whether a failure is that there is no credential of that
// GUID, and not that a secret of it is missing: both are NotFound.
func NoSuchCredential(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == NotFound && e.Reason == noSuchCredential
}

// storeReason returns the public words for a store's failure, by its kind.
func storeReason(k Kind, store string) string {
	switch k {
	case Denied:
		return "the " + store + " refused the request"
	case Timeout:
		return "the " + store + " did not answer in time"
	case FailedPrecondition:
		return "the " + store + " holds what it asks for in a form that cannot be used (the component's log says which)"
	case Internal:
		return ReasonInternal
	default:
		return "the " + store + " is unavailable"
	}
}

// reasonInternal is the reason for a failure of ours.
const ReasonInternal = "internal error"

// panicked is the failure of a panic in a store, or of ours.
func Panicked(guid, store string) *Error {
	return &Error{Kind: Internal, GUID: guid, Reason: ReasonInternal, Store: store, Cause: ErrPanic}
}

// noCredential is the failure of a GUID without a config.
func NoCredential(guid string, cause error) *Error {
	return &Error{Kind: NotFound, GUID: guid, Reason: noSuchCredential, Cause: cause}
}

// storeFailure makes the resolution's error of a store's failure.
func StoreFailure(guid, store string, ref Reference, err error) *Error {
	kind := KindOf(err)
	if kind == NotFound || kind == InvalidRequest || kind == TooLarge {
		kind = Internal // a kind that no store may give here
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

// ConfigStoreFailure makes the public error of a failure of the config store; guid
// is "" where none is concerned.
func ConfigStoreFailure(guid string, err error) *Error {
	return StoreFailure(guid, ConfigStoreName, "", err)
}

// maxQuoted is how much of a name an error repeats, in bytes.
const maxQuoted = 64

// QuoteName returns the name of a field or of a request's metadata as an error may
// repeat it: in quotes, printable, and not at any length.
func QuoteName(name string) string {
	if len(name) > maxQuoted {
		name = strings.ToValidUTF8(name[:maxQuoted], "") + "…"
	}
	return strconv.Quote(name)
}

const (
	ConfigStoreName = "config store"
	SecretStoreName = "secret store"
)

var ErrPanic = errors.New("panic in a store")

func Precondition(reason string, cause error) *Error {
	return &Error{Kind: FailedPrecondition, Reason: reason, Cause: cause}
}

// withGUID puts the GUID into an error that was made without one.
func WithGUID(guid string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{GUID: guid, Reason: ReasonInternal, Cause: err}
	}
	named := *e
	named.GUID = guid
	return &named
}

// notAName is the error of a stated name that the store cannot be asked for.
func InvalidName(who, name string) *Error {
	failure := Precondition(who+" a name that no secret of its store can have", nil)
	failure.Reference = Reference(name)
	return failure
}

func SecretNotFound(guid, name, reason string) *Error {
	return &Error{
		Kind: NotFound, GUID: guid, Reason: reason,
		Store: SecretStoreName, Reference: Reference(name),
	}
}

// ErrOverloaded is wrapped by the [StoreError] of a call that a store was not asked for,
// because too many calls to that store are waiting. It says nothing about the store.
const ErrOverloaded = Remedy("too many calls to it are waiting: see storeConcurrency")
