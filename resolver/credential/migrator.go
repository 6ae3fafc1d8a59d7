package credential

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// migrator rewrites the fields of a config.
type migrator struct {
	Origins Origins
	config  *Config
	now     Object // the finished credential
	m       *Migration
}

// field returns the new config's value for a field of the credential.
func (w migrator) field(name string, now Value) (Value, error) {
	at := (*fieldPath)(nil).field(name)
	was, had := w.config.Fields.Get(name)
	if w.Origins.Direct {
		if from, ok := w.Origins.Entries[name]; ok {
			if had {
				return w.reference(at, from, BecameOverlaid)
			}
			return w.reference(at, from, BecameReference)
		}
		return w.literal(at, now)
	}
	extra, isObject := was.Object()
	if name != FieldExtra || !isObject {
		return w.value(at, FieldName{"", name}, was, now)
	}
	nowExtra, _ := now.Object()
	b := NewBuilder(extra.Len())
	changed := false
	for inner, was := range extra.All() {
		now, _ := nowExtra.Get(inner)
		v, err := w.value(at.field(inner), FieldName{FieldExtra, inner}, was, now)
		if err != nil {
			return Value{}, err
		}
		changed = changed || !v.equal(now)
		b.Set(inner, v)
	}
	if _, ok := extra.Get(refWord); ok {
		return Value{}, inexpressible(at)
	}
	if !changed {
		return now, nil // keep the original text
	}
	return b.Object().AsValue(), nil
}

// value is like field, for a field of an agent credential. was is the value in the old
// config.
func (w migrator) value(at *fieldPath, name FieldName, was, now Value) (Value, error) {
	text, isText := was.Text()
	from, ok := w.Origins.Entries[text]
	if !isText || !ok || !w.Origins.MayRefer.Has(name) {
		return w.literal(at, now)
	}
	if w.Origins.Secrets != nil && from.secret != text {
		return w.reference(at, from, BecameOthersReference)
	}
	return w.reference(at, from, BecameReference)
}

// reference returns an explicit reference to the origin of a value.
func (w migrator) reference(at *fieldPath, from Origin, became Became) (Value, error) {
	ref := NewBuilder(2)
	ref.Set(refName, StringValue(from.secret))
	switch {
	case from.shadowed:
		return Value{}, Precondition(at.its()+" comes from a field of a JSON object, but an entry of the secret has the same name: "+
			"an explicit reference would return the entry", nil)
	case from.key != "":
		ref.Set(refKey, StringValue(from.key))
	case !from.OnlyEntry:
		return Value{}, Precondition(at.its()+" comes from an entry with an empty name, which an explicit reference cannot name", nil)
	}
	w.became(at, became)
	return NewObject(Field{refWord, ref.Object().AsValue()}).AsValue(), nil
}

// literal returns the value as a literal, with "${" escaped.
func (w migrator) literal(at *fieldPath, v Value) (Value, error) {
	collides := false
	switch v.kind {
	case StringKind:
		collides = w.Origins.named(v.text)
		v = StringValue(EscapeReferences(v.text))
	case ObjectKind, ArrayKind:
		text, err := v.AppendJSON(nil)
		if err != nil {
			return Value{}, notUTF8(at, err)
		}
		escaped := escaper{text: string(text), named: w.Origins.named}
		if err := escaped.run(at); err != nil {
			return Value{}, err
		}
		v, collides = Value{kind: v.kind, text: escaped.out}, escaped.collides
	default:
	}
	if collides {
		w.became(at, BecameNamedLiteral)
	} else {
		w.became(at, BecameLiteral)
	}
	return v, nil
}

func (w migrator) became(at *fieldPath, became Became) {
	w.m.Fields = append(w.m.Fields, MigratedField{at.String(), became})
}

func inexpressible(at *fieldPath) *Error {
	return Precondition(at.its()+` holds a field "secretKeyRef", which would be read as an explicit reference`, nil)
}

// escaper escapes "${" in all strings of an object or an array.
type escaper struct {
	text     string
	named    func(string) bool
	out      string
	collides bool // a string is the name of an entry or a secret
}

func (e *escaper) run(at *fieldPath) error {
	d := jsontext.NewDecoder(strings.NewReader(e.text), jsontext.AllowDuplicateNames(true))
	var out strings.Builder
	copied := int64(0)
	for {
		within, n := d.StackIndex(d.StackDepth())
		isName := within == jsontext.KindBeginObject && n%2 == 0
		if d.PeekKind() != jsontext.KindString {
			if _, err := d.ReadToken(); err != nil { // the end: the text is known to be valid
				out.WriteString(e.text[copied:])
				e.out = out.String()
				return nil
			}
			continue
		}
		written, err := d.ReadValue()
		if err != nil {
			return unreadable(*at, err)
		}
		end := d.InputOffset()
		begin := end - int64(len(written))
		v, err := parseValue(written)
		switch {
		case err != nil:
			return unreadable(*at, err)
		case isName && v.text == refWord:
			return inexpressible(at)
		case isName:
			continue
		}
		e.collides = e.collides || e.named(v.text)
		if strings.Contains(v.text, opening) {
			quoted, err := appendQuoted(nil, EscapeReferences(v.text))
			if err != nil {
				return unreadable(*at, err)
			}
			out.WriteString(e.text[copied:begin])
			out.Write(quoted)
			copied = end
		}
	}
}
