package client

import (
	"encoding/json"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// Credential is a JSON object whose values may be secrets: a finished credential, the
// config of one, or the entries of a secret. It is immutable, keeps the order and the
// digits of what it was read from, and prints as a fixed word. The zero value has no
// fields.
//
// A field is named by its name, or by the name of an object, a dot, and a name in it:
// "extra.token". A field whose own name has the dot comes first.
type Credential struct {
	// held is a function, and nil for no fields: package fmt calls no method of what is
	// in an unexported field, and looks into everything but that.
	held func() (guid string, fields credential.Object)
}

func newCredential(guid string, fields credential.Object) Credential {
	return Credential{func() (string, credential.Object) { return guid, fields }}
}

// Parse reads a credential from a JSON object. Its error holds nothing of the text.
func Parse(text []byte) (Credential, error) {
	fields, err := credential.ParseObject(text)
	if err != nil {
		return Credential{}, &Error{Code: codes.FailedPrecondition, Reason: "the text is " + err.Error()}
	}
	return newCredential("", fields), nil
}

// Of returns the credential that a map or a struct is, as encoding/json writes it. Its
// error holds nothing of the values.
func Of(fields any) (Credential, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return Credential{}, &Error{Code: codes.FailedPrecondition, Reason: "the value cannot be written as JSON"}
	}
	return Parse(text)
}

// GUID returns the credential's GUID; "" for what was not asked for by one.
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

// Names returns the names of the fields, in their order.
func (c Credential) Names() []string {
	names := make([]string, 0, c.Len())
	for name := range c.object().All() {
		names = append(names, name)
	}
	return names
}

// Has tells whether a field is there, and not null.
func (c Credential) Has(field string) bool {
	v, ok := c.object().Find(field)
	return ok && v.Kind() != credential.NullKind
}

// Missing returns those of the fields that are not there, or null, in the order in
// which they are asked for; nil if all are there.
func (c Credential) Missing(fields ...string) []string {
	var missing []string
	for _, field := range fields {
		if !c.Has(field) {
			missing = append(missing, field)
		}
	}
	return missing
}

// Reveal returns the credential as JSON, with every value in it. It fails if a value is
// not UTF-8.
func (c Credential) Reveal() ([]byte, error) {
	text, err := c.object().AppendJSON(nil)
	if err != nil {
		return nil, &Error{Code: codes.FailedPrecondition, GUID: c.GUID(), Reason: "a value of it is not valid UTF-8"}
	}
	return text, nil
}
