package client

import (
	"encoding/json"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// Credential is a JSON object whose values may be secrets: a finished credential, a config, or
// the entries of a secret. It is immutable. It keeps the order of the fields and the digits of
// the numbers. It prints as a fixed word. The zero value has no fields.
//
// A path such as "extra.token" names a field of an object. If a field's own name contains the
// dot, that field is used first.
type Credential struct {
	// held returns the contents; nil means no fields. It is a function because package fmt
	// calls no methods of a value in an unexported field, and prints everything in it except a
	// function's variables.
	held func() (guid string, fields credential.Object)
}

func newCredential(guid string, fields credential.Object) Credential {
	return Credential{func() (string, credential.Object) { return guid, fields }}
}

// Parse parses a credential from a JSON object. Its error contains nothing of the text.
func Parse(text []byte) (Credential, error) {
	fields, err := credential.ParseObject(text)
	if err != nil {
		return Credential{}, &Error{Code: codes.FailedPrecondition, Reason: "the text is " + err.Error()}
	}
	return newCredential("", fields), nil
}

// Of converts a map or a struct to a credential, by way of encoding/json. Its error contains
// no value.
func Of(fields any) (Credential, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return Credential{}, &Error{Code: codes.FailedPrecondition, Reason: "the value cannot be written as JSON"}
	}
	return Parse(text)
}

// GUID returns the credential's GUID; "" if it was not read by GUID.
func (c Credential) GUID() string {
	if c.held == nil {
		return ""
	}
	guid, _ := c.held()
	return guid
}

func (c Credential) object() credential.Object {
	if c.held == nil {
		return credential.Object{}
	}
	_, fields := c.held()
	return fields
}

// Len returns the number of fields.
func (c Credential) Len() int { return c.object().Len() }

// Names returns the names of the fields, in the credential's order.
func (c Credential) Names() []string {
	names := make([]string, 0, c.Len())
	for name := range c.object().All() {
		names = append(names, name)
	}
	return names
}

// Has reports whether a field exists and is not null.
func (c Credential) Has(field string) bool {
	v, ok := c.object().Find(field)
	return ok && v.Kind() != credential.NullKind
}

// Missing returns the given fields that are absent or null, in the given order; nil if all
// exist.
func (c Credential) Missing(fields ...string) []string {
	var missing []string
	for _, field := range fields {
		if !c.Has(field) {
			missing = append(missing, field)
		}
	}
	return missing
}

// Reveal returns the credential as JSON, with every value. It fails if a value is not valid
// UTF-8.
func (c Credential) Reveal() ([]byte, error) {
	text, err := c.object().AppendJSON(nil)
	if err != nil {
		return nil, &Error{Code: codes.FailedPrecondition, GUID: c.GUID(), Reason: "one of its values is not valid UTF-8"}
	}
	return text, nil
}
