package resolver

import (
	"bytes"
	"context"
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
func (Migration) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

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

// Migrate makes explicit the references of a config, which need not be stored, and
// proves that the credential is the same by resolving both: to the byte. It stores
// nothing. Its error is an [*Error]: that of a resolution, or of kind
// FailedPrecondition if the config cannot be said with explicit references.
func (r *Resolver) Migrate(ctx context.Context, guid string, text []byte) (*Migration, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	config, err := ParseConfig(text)
	if err != nil {
		return nil, withGUID(guid, err)
	}
	if config.Explicit {
		return nil, withGUID(guid, precondition("its references are explicit already", nil))
	}
	before, get, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return nil, err
	}
	if get.from == nil {
		return nil, withGUID(guid, precondition("it has no store of secrets: there is nothing to prove it by", nil))
	}
	m, err := get.migrate(ctx, before.Fields)
	if err != nil {
		return nil, withGUID(guid, err)
	}
	if err := r.prove(ctx, guid, before, m.Config); err != nil {
		return nil, err
	}
	return m, nil
}

// resolveNow resolves a config, and returns what fetched its secrets.
func (r *Resolver) resolveNow(ctx context.Context, guid string, config *Config) (*Credential, *fetcher, error) {
	now := r.opts.Cache.Now()
	get := r.fetcher(guid, config, now, now, make(places, maxLookups))
	credential, err := r.finish(ctx, config, get)
	return credential, get, err
}

// prove resolves the new config and compares.
func (r *Resolver) prove(ctx context.Context, guid string, before *Credential, text []byte) error {
	config, err := ParseConfig(text)
	if err != nil {
		return withGUID(guid, err)
	}
	after, _, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return err
	}
	was, err := before.Fields.AppendJSON(nil)
	if err != nil {
		return withGUID(guid, precondition("a value of it is "+err.Error(), err))
	}
	is, err := after.Fields.AppendJSON(nil)
	if err != nil || !bytes.Equal(was, is) {
		return withGUID(guid, precondition("with explicit references it would not be the same credential "+
			"(or a secret of it has changed meanwhile: try again)", err))
	}
	return nil
}

// migrate writes the config anew. Literals are taken from the credential as it is now.
func (f *fetcher) migrate(ctx context.Context, now Object) (*Migration, error) {
	origins, err := f.origins(ctx)
	if err != nil {
		return nil, err
	}
	w := migrator{origins: origins, config: f.config, now: now, m: &Migration{LookupFieldsDropped: f.config.own.lookupFields != nil}}
	block := NewObject(Field{"references", StringValue("explicit")})
	if store := f.config.own.secretStore; store != "" {
		block = NewObject(Field{"secretStore", StringValue(store)}, block.fields[0])
	}
	b := newBuilder(now.Len() + 1)
	b.set(FieldOwn, block.AsValue())
	for name, v := range now.All() {
		if v, err = w.field(name, v); err != nil {
			return nil, err
		}
		b.set(name, v)
	}
	text, err := b.object().AppendJSON(nil)
	if err != nil {
		return nil, precondition("a value of it is "+err.Error(), err)
	}
	w.m.Config, err = jsontext.AppendFormat(nil, text, jsontext.Multiline(true), jsontext.WithIndent("  "),
		jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	w.m.Config = append(w.m.Config, '\n')
	return w.m, err
}
