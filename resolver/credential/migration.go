package credential

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Migration is a config rewritten with explicit references (section 8, migrate).
type Migration struct {
	// Config is the new config.
	Config []byte
	// Fields tells what each field became, in the order of the credential. The fields of
	// "extra" are listed one by one.
	Fields []MigratedField
	// LookupFieldsDropped tells that the config had a list of lookupFields, which has no
	// meaning with explicit references.
	LookupFieldsDropped bool
}

// Format prints a fixed word for every verb: a literal may be a password.
func (Migration) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MigratedField is a field and what it became. It holds no value and no reference.
type MigratedField struct {
	// Name is the name of the field, such as extra.token.
	Name string
	// Became tells what the field became.
	Became Became
}

// Became is what a field became.
type Became uint8

// The values of Became. The last three are for values that have a second meaning.
const (
	// BecameLiteral is a literal.
	BecameLiteral Became = iota
	// BecameReference is an explicit reference.
	BecameReference
	// BecameNamedLiteral is a literal that equals, or contains, the name of a secret or of an
	// entry of the credential.
	BecameNamedLiteral
	// BecameOthersReference is a reference to a secret that another field names: the value is
	// the name of one of its entries.
	BecameOthersReference
	// BecameOverlaid is a reference that replaces a value of the config: the secret of a
	// direct credential has an entry with the name of the field.
	BecameOverlaid
)

// WriteExplicit rewrites a config with explicit references. now is the finished credential,
// and literals are taken from it. Its error is an [*Error] of kind FailedPrecondition if
// explicit references cannot express the config.
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
		return nil, Precondition("one of its values is "+err.Error(), err)
	}
	w.m.Config, err = jsontext.AppendFormat(nil, text, jsontext.Multiline(true), jsontext.WithIndent("  "),
		jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	w.m.Config = append(w.m.Config, '\n')
	return w.m, err
}

// Origin is the entry of a secret that a value of a credential comes from.
type Origin struct {
	secret, key string
	OnlyEntry   bool // the stored secret has only this entry, so key may be ""
	shadowed    bool // the stored entry has the same name, and a reference would mean that
}

// Origins tells where the values of a credential come from.
type Origins struct {
	Direct   bool              // source direct: entries are laid over the fields; else they replace values
	Entries  map[string]Origin // by the name of the entry, or by the value that it replaces
	Secrets  map[string]bool   // whether the secret of a looked-up value exists; nil with a bundle
	MayRefer FieldFilter       // the fields that may be references
}

// named tells whether a value is the name of an entry or a secret.
func (o Origins) named(value string) bool {
	_, isEntry := o.Entries[value]
	return isEntry || o.Secrets[value]
}

// OriginsIn returns the origins of all entries of the named secret.
func OriginsIn(name string, secret Secret) map[string]Origin {
	entries := make(map[string]Origin, secret.Len())
	for key := range secret.All() {
		entries[key] = OriginOf(name, key, secret)
	}
	return entries
}

// OriginOf returns the origin for the entry key of the named secret.
func OriginOf(name, key string, secret Secret) Origin {
	return Origin{secret: name, key: key, shadowed: secret.isObject && secret.item == key}
}
