package credential

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// Error is a failure to resolve one credential. Its text is public: it holds the GUID, fixed
// words and names of fields. It never holds a value, a reference, a path or the words of a
// store (DESIGN.md, section 5). Those are for logs; see [Error.Detail].
type Error struct {
	// Kind is what the failure means to the caller.
	Kind Kind
	// GUID is the GUID of the credential, if it is well-formed; else "".
	GUID string
	// Reason is the public text, in fixed words.
	Reason string
	// Store is the label of the store that failed, [ConfigStoreLabel] or one of
	// [SecretStoreLabel]; "" if none did. The public text does not name it.
	Store string
	// Reference is the name of the secret that the failure is about; "" if it is about none.
	Reference Reference

	// Cause is the underlying error; nil if there is none. Its text is not public.
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

// Remedy returns what is wrong with the store and what to do about it, for a log or a
// command; "" if that is unknown. See [Remedy].
func (e *Error) Remedy() string { return RemedyOf(e.Cause) }

// Detail returns the words of the store, without the reference, for a log at debug level; ""
// if no store was involved.
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
	return strings.NewReplacer(forms...).Replace(text) // in one pass, because the fixed word may contain one of the forms
}

// Reference is the name of a secret. It prints as a fixed word, because it may be a password
// that stands in a config as a literal.
type Reference string

// Format prints a fixed word for every verb.
func (Reference) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText returns a fixed word, for logs and encoders.
func (Reference) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// StoreError is the failure of a store, together with its kind. For a config or a secret that
// does not exist, a store returns one of kind NotFound.
type StoreError struct {
	// Kind is what the failure means.
	Kind Kind
	// General tells that a refusal (Denied) is not about this one name: the store refuses all
	// our requests.
	General bool
	// Lapsed tells that a refusal (Denied) is only about our own access: our token has ended
	// or we have none, and a login was refused. It says nothing about the secret, so the last
	// good credential may still be answered.
	Lapsed bool
	// Err is the error of the store. Its text is not public.
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

// IsOutage tells whether a failure says nothing about the credential itself, so that the last
// good one may be answered instead: its kind is retryable, or our own access to a store has
// lapsed.
func IsOutage(err error) bool {
	var store *StoreError
	return KindOf(err).Retryable() || errors.As(err, &store) && store.Lapsed
}

// ErrPanic is the cause of an error that was a panic.
var ErrPanic = errors.New("a store panicked")

// ErrOverloaded is wrapped by the [StoreError] of a call that was shed because too many calls
// to its store were waiting. The store itself was not asked.
const ErrOverloaded = Remedy("too many calls to it are waiting: see storeConcurrency")

// maxQuoted is how much of a name an error repeats, in bytes.
const maxQuoted = 64

// QuoteName returns the name of a field, or of request metadata, for an error: quoted,
// printable and shortened.
func QuoteName(name string) string {
	return strconv.Quote(shortName(name))
}

// shortName returns a name, or the beginning of a long one.
func shortName(name string) string {
	if len(name) > maxQuoted {
		name = strings.ToValidUTF8(name[:maxQuoted], "") + "…"
	}
	return name
}

// Remedy is an error text that says what is wrong with a store and what to do about it. It
// holds no value and no reference, so it may appear in a log at any level and on the command
// line. It may name things of the operator, such as a file, so it is not for an application.
// The error of a store may wrap one.
type Remedy string

// Error implements error.
func (r Remedy) Error() string { return string(r) }

// RemedyOf returns the remedy that an error wraps; "" if it wraps none.
func RemedyOf(err error) string {
	var remedy Remedy
	errors.As(err, &remedy)
	return string(remedy)
}
