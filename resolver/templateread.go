package resolver

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// parseTemplate reads a config with explicit references. The config as a whole is
// none, whatever its fields are called.
func parseTemplate(fields Object) (template, error) {
	var t template
	for name, v := range fields.All() {
		n, err := t.readField((*fieldPath)(nil).field(name), v)
		if err != nil {
			return template{}, err
		}
		t.names = append(t.names, name)
		if n == nil {
			t.fields = append(t.fields, plain{v})
		} else {
			t.fields = append(t.fields, n)
		}
	}
	return t, nil
}

// readField reads the value of a field; nil for one without references, as of all
// that follow.
func (t *template) readField(at *fieldPath, v Value) (filled, error) {
	switch v.kind {
	case StringKind:
		return t.readString(at, v.text)
	case ObjectKind, ArrayKind:
		d := jsontext.NewDecoder(strings.NewReader(v.text), jsontext.AllowDuplicateNames(true))
		return treeReader{t, v.text, d}.value(at)
	default:
		return nil, nil
	}
}

func (t *template) readString(at *fieldPath, s string) (filled, error) {
	parts, err := readText(at, s)
	if err != nil || parts == nil {
		return nil, err
	}
	for _, part := range parts {
		if part.ref != nil {
			t.refs = append(t.refs, part.ref)
		}
	}
	return textNode{at, parts}, nil
}

// treeReader reads an object or an array of a config, with all that is in it, in one
// pass: a config may be nearly as deep as it is long.
type treeReader struct {
	t    *template
	text string // of which all is JSON
	d    *jsontext.Decoder
}

func (r treeReader) value(at *fieldPath) (filled, error) {
	switch r.d.PeekKind() {
	case jsontext.KindBeginObject:
		return r.object(at)
	case jsontext.KindBeginArray:
		return r.array(at)
	case jsontext.KindString:
		token, err := r.d.ReadToken()
		if err != nil {
			return nil, unreadable(at, err)
		}
		return r.t.readString(at, token.String())
	default:
		if err := r.d.SkipValue(); err != nil {
			return nil, unreadable(at, err)
		}
		return nil, nil
	}
}

// read is a value that has been read, and where its text stands.
type read struct {
	name       string
	begin, end int64
	node       filled // nil: it has no references
}

func (r treeReader) since(begin int64, name string, n filled) read {
	return read{name, begin, r.d.InputOffset(), n}
}

func (r treeReader) array(at *fieldPath) (filled, error) {
	var elements []read
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	for r.d.PeekKind() != jsontext.KindEndArray {
		begin := r.d.InputOffset()
		n, err := r.value(at.element(len(elements)))
		if err != nil {
			return nil, err
		}
		elements = append(elements, r.since(begin, "", n))
	}
	_, err := r.d.ReadToken()
	if err != nil {
		return nil, unreadable(at, err)
	}
	return r.assemble(at, ArrayKind, elements)
}

// object reads an object, which is a reference if one of its fields is secretKeyRef.
func (r treeReader) object(at *fieldPath) (filled, error) {
	var fields []read
	var ref *reference
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	for r.d.PeekKind() != jsontext.KindEndObject {
		token, err := r.d.ReadToken()
		if err != nil {
			return nil, unreadable(at, err)
		}
		name, begin := token.String(), r.d.InputOffset()
		var n filled
		if name == refWord {
			ref, err = r.reference(at)
		} else {
			n, err = r.value(at.field(name))
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, r.since(begin, name, n))
	}
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	switch {
	case ref == nil:
		return r.assemble(at, ObjectKind, fields)
	case len(fields) > 1:
		return nil, malformed(at, "that is not alone in its object")
	}
	r.t.refs = append(r.t.refs, ref)
	return keyNode{ref}, nil
}

func (r treeReader) reference(at *fieldPath) (*reference, error) {
	raw, err := r.d.ReadValue()
	if err != nil {
		return nil, unreadable(at, err)
	}
	v, err := parseValue(raw)
	if err != nil {
		return nil, unreadable(at, err)
	}
	return readReference(at, v)
}

// assemble makes a node of what has been read; nil if none of it has a reference.
func (r treeReader) assemble(at *fieldPath, kind ValueKind, parts []read) (filled, error) {
	if !slices.ContainsFunc(parts, func(p read) bool { return p.node != nil }) {
		return nil, nil
	}
	made := &containerNode{kind: kind}
	for _, p := range parts {
		m := member{node: p.node}
		if kind == ObjectKind {
			name, err := appendQuoted(nil, p.name)
			if err != nil {
				return nil, unreadable(at, err)
			}
			m.name = string(name) + ":"
		}
		if m.node == nil {
			m.node = raw(strings.TrimLeft(r.text[p.begin:p.end], ":,"))
		}
		made.members = append(made.members, m)
	}
	return made, nil
}

// unreadable is an error that text which has been read as JSON before does not have.
func unreadable(at *fieldPath, cause error) *Error {
	return precondition(at.its()+" is not valid JSON", cause)
}
