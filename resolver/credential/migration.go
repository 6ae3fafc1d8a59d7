package credential

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Migration is a config whose references are explicit, in the place of one whose
// references are bare strings (section 8).
type Migration struct {
	// Config is the new config.
	Config []byte
	// Fields are what became of the fields, those of "extra" one by one, in the order
	// of the credential.
	Fields []MigratedField
	// LookupFieldsDropped tells that the config had a list of lookupFields, which mean
	// nothing beside explicit references.
	LookupFieldsDropped bool
}

// Format prints a fixed word for every verb: a literal may be a password.
func (Migration) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MigratedField is a field and what became of it. It holds no value and no reference.
type MigratedField struct {
	// Name is the field's, such as extra.token.
	Name string
	// Became says what it is now.
	Became Became
}

// Became is what became of a field.
type Became uint8

// What a field may become. The last three tell of values that are names as well.
const (
	// BecameLiteral is a literal.
	BecameLiteral Became = iota
	// BecameReference is an explicit reference.
	BecameReference
	// BecameNamedLiteral is a literal whose value, or one within it, is also the name of
	// a secret or an entry that the credential has.
	BecameNamedLiteral
	// BecameOthersReference is a reference to a secret which another field names: its
	// value is the name of an entry of that.
	BecameOthersReference
	// BecameOverlaid is a reference in the place of a value of the config's own, which
	// the entry of a direct credential's secret went before.
	BecameOverlaid
)

// writeExplicit writes a config with explicit references, so that its credential stays as
// it is now. Literals are taken from that.
func WriteExplicit(config *Config, now Object, from Origins) (*Migration, error) {
	w := migrator{Origins: from, config: config, now: now, m: &Migration{LookupFieldsDropped: config.LookupFields() != nil}}
	block := NewObject(Field{"references", StringValue("explicit")})
	if store := config.SecretStore(); store != "" {
		block = NewObject(Field{"secretStore", StringValue(store)}, block.fields[0])
	}
	b := NewBuilder(now.Len() + 1)
	b.Set(FieldOwn, block.AsValue())
	for name, v := range now.All() {
		written, err := w.field(name, v)
		if err != nil {
			return nil, err
		}
		b.Set(name, written)
	}
	text, err := b.Object().AppendJSON(nil)
	if err != nil {
		return nil, Precondition("a value of it is "+err.Error(), err)
	}
	w.m.Config, err = jsontext.AppendFormat(nil, text, jsontext.Multiline(true), jsontext.WithIndent("  "),
		jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	w.m.Config = append(w.m.Config, '\n')
	return w.m, err
}
