package credential

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// parseTemplate reads a config with explicit references. The config as a whole is
// none, whatever its fields are called.
func parseTemplate(fields Object) (Template, error) {
	var t Template
	for name, v := range fields.All() {
		n, err := t.readField(fieldPath{nil, name, -1}, v)
		if err != nil {
			return Template{}, err
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
func (t *Template) readField(at fieldPath, v Value) (filled, error) {
	switch v.kind {
	case StringKind:
		return t.readString(at, v.text)
	case ObjectKind, ArrayKind:
		return treeReader{t, textReader{v.text, decoderOf(v.text)}}.value(at)
	default:
		return nil, nil
	}
}

func (t *Template) readString(at fieldPath, s string) (filled, error) {
	if !strings.Contains(s, opening) {
		return nil, nil // a string that means itself
	}
	place := at.clone()
	parts, err := readText(place, s)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if ref := part.ref; ref != nil && (len(t.References) == 0 || t.References[len(t.References)-1] != ref) {
			t.References = append(t.References, ref)
		}
	}
	return textNode{place, parts}, nil
}

// treeReader reads an object or an array of a config, with all that is in it, in one
// pass: a config may be nearly as deep as it is long.
type treeReader struct {
	t *Template
	textReader
}

func (r treeReader) value(at fieldPath) (filled, error) {
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

func (r treeReader) array(at fieldPath) (filled, error) {
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	var within *fieldPath
	elements := assembly{text: r.text, run: -1}
	for i := 0; r.d.PeekKind() != jsontext.KindEndArray; i++ {
		if within == nil {
			within = at.clone()
		}
		begin := r.d.InputOffset()
		n, err := r.value(fieldPath{within, "", i})
		if err != nil {
			return nil, err
		}
		elements.add(begin, begin, n)
	}
	return r.assembled(at, ArrayKind, &elements)
}

// object reads an object, which is a reference if one of its fields is secretKeyRef.
func (r treeReader) object(at fieldPath) (filled, error) {
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	var within *fieldPath
	var ref *ExplicitReference
	fields, n := assembly{text: r.text, run: -1}, 0
	for ; r.d.PeekKind() != jsontext.KindEndObject; n++ {
		if within == nil {
			within = at.clone()
		}
		begin := r.d.InputOffset()
		token, err := r.d.ReadToken()
		if err != nil {
			return nil, unreadable(at, err)
		}
		name, value := token.String(), r.d.InputOffset()+1 // after the colon
		var n filled
		if name == refWord {
			ref, err = r.reference(within)
		} else {
			n, err = r.value(fieldPath{within, name, -1})
		}
		if err != nil {
			return nil, err
		}
		fields.add(begin, value, n)
	}
	whole, err := r.assembled(at, ObjectKind, &fields)
	switch {
	case err != nil || ref == nil:
		return whole, err
	case n > 1:
		return nil, malformed(within, "that is not alone in its object")
	}
	r.t.References = append(r.t.References, ref)
	return keyNode{ref}, nil
}

func (r treeReader) reference(at *fieldPath) (*ExplicitReference, error) {
	raw, err := r.d.ReadValue()
	if err != nil {
		return nil, unreadable(*at, err)
	}
	v, err := parseValue(raw)
	if err != nil {
		return nil, unreadable(*at, err)
	}
	return readReference(at, v)
}

// assembled reads the end of an object or an array, and makes a node of its members; nil
// if none of them has a reference.
func (r treeReader) assembled(at fieldPath, kind ValueKind, a *assembly) (filled, error) {
	end := r.d.InputOffset()
	if _, err := r.d.ReadToken(); err != nil {
		return nil, unreadable(at, err)
	}
	if len(a.members) == 0 {
		return nil, nil
	}
	a.endRun(end)
	return &containerNode{kind, a.members}, nil
}

// assembly gathers the members of an object or an array. Those without references,
// which may be nearly all, are one text from one that has some to the next.
type assembly struct {
	text    string
	run     int64 // where those begin that have not been taken yet; below zero: there are none
	members []member
}

// add takes the member that begins at a place, its value at another.
func (a *assembly) add(begin, value int64, n filled) {
	switch {
	case n != nil:
		a.endRun(begin)
		a.members = append(a.members, member{strings.TrimPrefix(a.text[begin:value], ","), n})
	case a.run < 0:
		a.run = begin
	}
}

// endRun takes what has no references up to a place.
func (a *assembly) endRun(end int64) {
	if a.run >= 0 {
		a.members = append(a.members, member{"", raw(strings.TrimPrefix(a.text[a.run:end], ","))})
		a.run = -1
	}
}

// unreadable is an error that text which has been read as JSON before does not have.
func unreadable(at fieldPath, cause error) *Error {
	return Precondition(at.its()+" is not valid JSON", cause)
}
