package credential

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Redacted is how a value prints, whatever the verb.
const Redacted = "[redacted]"

// ValueKind is one of the six kinds of a JSON value.
type ValueKind uint8

// The kinds of JSON values. The zero value is null.
const (
	NullKind ValueKind = iota
	BoolKind
	NumberKind
	StringKind
	ObjectKind
	ArrayKind
)

// Value is one immutable JSON value. The zero value is null.
//
// A string is kept as its unquoted text. Every other kind is kept as compact JSON text, so
// that digits stay as they were written (12.50, 1e21). An object that was built by this
// program is kept as an [Object].
type Value struct {
	kind   ValueKind
	text   string
	object *Object
}

// StringValue returns s as a JSON string. s may hold any bytes: encoding, and not this
// function, fails for text that is not UTF-8.
func StringValue(s string) Value { return Value{kind: StringKind, text: s} }

// Kind returns the kind of the value.
func (v Value) Kind() ValueKind { return v.kind }

// Text returns the text of a string. False: the value is no string.
func (v Value) Text() (string, bool) {
	if v.kind != StringKind {
		return "", false
	}
	return v.text, true
}

// AsText returns the value as text: a string as it is, any other kind as compact JSON. It
// fails with [ErrNotUTF8] if a string within the value is not UTF-8.
func (v Value) AsText() (string, error) {
	switch {
	case v.kind == NullKind:
		return "null", nil
	case v.object == nil:
		return v.text, nil
	}
	encoded, err := v.AppendJSON(make([]byte, 0, v.JSONSize()))
	return string(encoded), err
}

// Object returns the value as an object. False: the value is no object.
func (v Value) Object() (Object, bool) {
	switch {
	case v.kind != ObjectKind:
		return Object{}, false
	case v.object != nil:
		return *v.object, true
	}
	o, err := ParseObject([]byte(v.text))
	return o, err == nil
}

// equal tells whether two values are written the same way.
func (v Value) equal(other Value) bool {
	if v.object == nil && other.object == nil {
		return v.kind == other.kind && v.text == other.text
	}
	a, ok := v.Object()
	b, ok2 := other.Object()
	return ok && ok2 && a.Equal(b)
}

// AppendJSON appends the value as compact JSON. It fails with [ErrNotUTF8] if a string within
// the value is not UTF-8.
func (v Value) AppendJSON(dst []byte) ([]byte, error) {
	switch {
	case v.kind == NullKind:
		return append(dst, "null"...), nil
	case v.kind == StringKind:
		return appendQuoted(dst, v.text)
	case v.object != nil:
		return v.object.AppendJSON(dst)
	default:
		return append(dst, v.text...), nil
	}
}

// Format prints a fixed word for every verb: a value may be a secret.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// Empty tells whether the value is null or the empty string. Such an entry of a secret counts
// as missing (section 4, steps 4 and 5).
func (v Value) Empty() bool {
	return v.kind == NullKind || v.kind == StringKind && v.text == ""
}

// parseValue returns the value of a valid JSON text.
func parseValue(raw jsontext.Value) (Value, error) {
	kind := raw.Kind()
	if kind == jsontext.KindString {
		s, err := jsontext.AppendUnquote(nil, raw)
		return StringValue(string(s)), err
	}
	if kind == jsontext.KindNull {
		return Value{}, nil
	}
	compact, err := jsontext.AppendFormat(nil, raw,
		jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	return Value{kind: valueKind(kind), text: string(compact)}, err
}

func valueKind(k jsontext.Kind) ValueKind {
	switch k {
	case jsontext.KindTrue, jsontext.KindFalse:
		return BoolKind
	case jsontext.KindNumber:
		return NumberKind
	case jsontext.KindString:
		return StringKind
	case jsontext.KindBeginObject:
		return ObjectKind
	case jsontext.KindBeginArray:
		return ArrayKind
	default:
		return NullKind
	}
}

func appendQuoted(dst []byte, s string) ([]byte, error) {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		return dst, ErrNotUTF8
	}
	return out, nil
}

// Elements returns the elements of an array; nil for any other kind.
func (v Value) Elements() []Value {
	if v.kind != ArrayKind {
		return nil
	}
	d := jsontext.NewDecoder(strings.NewReader(v.text), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	var elements []Value
	for d.PeekKind() != jsontext.KindEndArray {
		raw, err := d.ReadValue()
		if err != nil {
			return nil
		}
		element, err := parseValue(raw)
		if err != nil {
			return nil
		}
		elements = append(elements, element)
	}
	return elements
}
