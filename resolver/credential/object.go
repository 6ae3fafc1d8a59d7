package credential

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Field is a named value of an [Object].
type Field struct {
	Name  string
	Value Value
}

// Format prints a fixed word for every verb: the value may be a secret.
func (Field) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// Object is an immutable JSON object that keeps the order of its fields. Configs, finished
// credentials and the entries of a secret are objects. The zero value is the empty object.
type Object struct {
	fields []Field
	index  map[string]int // by name; nil for a few fields
}

// fewFields is the number of fields up to which a linear search is as fast as an index. The
// index would take more memory than the fields.
const fewFields = 16

var (
	errNotObject = errors.New("not a JSON object")
	// ErrNotUTF8 means that a text, or a string to be encoded, is not valid UTF-8.
	ErrNotUTF8 = errors.New("not valid UTF-8")
)

// NewObject returns an object with the fields in their order. Of fields with the same name,
// the last value is kept, at the first position.
func NewObject(fields ...Field) Object {
	b := NewBuilder(len(fields))
	for _, f := range fields {
		b.Set(f.Name, f.Value)
	}
	return b.Object()
}

// ParseObject parses a JSON object from UTF-8 text. Of fields with the same name, the last
// value is kept, at the first position, as in most JSON libraries. Its error is [ErrNotUTF8],
// a [*SyntaxError], or that the text is no object. It holds nothing of the text.
func ParseObject(text []byte) (Object, error) {
	if !utf8.Valid(text) {
		return Object{}, ErrNotUTF8
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != jsontext.KindBeginObject {
		return Object{}, notObject(d)
	}
	if _, err := d.ReadToken(); err != nil {
		return Object{}, syntaxError(d, err)
	}
	b := NewBuilder(8)
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return Object{}, syntaxError(d, err)
		}
		key := name.String()
		raw, err := d.ReadValue()
		if err != nil {
			return Object{}, syntaxError(d, err)
		}
		v, err := parseValue(raw)
		if err != nil {
			return Object{}, syntaxError(d, err)
		}
		b.Set(key, v)
	}
	if _, err := d.ReadToken(); err != nil {
		return Object{}, syntaxError(d, err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return Object{}, syntaxError(d, err)
	}
	return b.Object(), nil
}

// notObject returns the error for text that does not begin with "{".
func notObject(d *jsontext.Decoder) error {
	if _, err := d.ReadValue(); err != nil {
		return syntaxError(d, err)
	}
	return errNotObject
}

// SyntaxError means that a text is not valid JSON. It holds the position, but nothing of the
// text.
type SyntaxError struct {
	// Offset is the number of bytes before the error.
	Offset int64
}

// Error implements error.
func (*SyntaxError) Error() string { return "not valid JSON" }

// syntaxError drops the text of the decoder's error, which quotes the input.
func syntaxError(d *jsontext.Decoder, err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return &SyntaxError{Offset: syntactic.ByteOffset}
	}
	return &SyntaxError{Offset: d.InputOffset()}
}

// Len returns the number of fields.
func (o Object) Len() int { return len(o.fields) }

// Get returns the value of the named field. False: there is no such field.
func (o Object) Get(name string) (Value, bool) {
	i := o.at(name)
	if i < 0 {
		return Value{}, false
	}
	return o.fields[i].Value, true
}

// at returns the index of the named field; -1 if there is none.
func (o Object) at(name string) int {
	if o.index == nil {
		return slices.IndexFunc(o.fields, func(f Field) bool { return f.Name == name })
	}
	if i, ok := o.index[name]; ok {
		return i
	}
	return -1
}

// All yields the fields in their order.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, f := range o.fields {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// Equal tells whether two objects have the same fields in the same order, written the same
// way.
func (o Object) Equal(other Object) bool {
	return slices.EqualFunc(o.fields, other.fields, func(a, b Field) bool {
		return a.Name == b.Name && a.Value.equal(b.Value)
	})
}

// AsValue returns the object as a value.
func (o Object) AsValue() Value { return Value{kind: ObjectKind, object: &o} }

// AppendJSON appends the object as compact JSON, with its fields in their order. It fails
// with [ErrNotUTF8] if a name or a string is not UTF-8.
func (o Object) AppendJSON(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '{')
	for i, f := range o.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendQuoted(dst, f.Name); err != nil {
			return dst[:start], err
		}
		dst = append(dst, ':')
		if dst, err = f.Value.AppendJSON(dst); err != nil {
			return dst[:start], err
		}
	}
	return append(dst, '}'), nil
}

// Format prints a fixed word for every verb: the values may be secrets.
func (Object) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// Builder builds an [Object] field by field.
type Builder struct{ o Object }

// NewBuilder returns an empty builder with room for size fields.
func NewBuilder(size int) *Builder {
	return &Builder{Object{fields: make([]Field, 0, size)}}
}

// copyOf returns a builder with a copy of the fields of o.
func copyOf(o Object) *Builder {
	return &Builder{Object{fields: slices.Clone(o.fields), index: maps.Clone(o.index)}}
}

// Set sets the value of the named field. A new field becomes the last one.
func (b *Builder) Set(name string, v Value) {
	if i := b.o.at(name); i >= 0 {
		b.o.fields[i].Value = v
		return
	}
	b.o.fields = append(b.o.fields, Field{name, v})
	switch {
	case b.o.index != nil:
		b.o.index[name] = len(b.o.fields) - 1
	case len(b.o.fields) > fewFields:
		b.o.index = make(map[string]int, cap(b.o.fields))
		for i, f := range b.o.fields {
			b.o.index[f.Name] = i
		}
	}
}

// Object returns the object. Do not use the builder afterwards.
func (b *Builder) Object() Object { return b.o }

// Without returns the object without the named field.
func (o Object) Without(name string) Object {
	if o.at(name) < 0 {
		return o
	}
	b := NewBuilder(len(o.fields))
	for _, f := range o.fields {
		if f.Name != name {
			b.Set(f.Name, f.Value)
		}
	}
	return b.Object()
}
