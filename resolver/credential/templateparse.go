package credential

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// parseTemplate parses the fields of a config with explicit references. The config itself is
// never a reference, whatever its fields are called.
func parseTemplate(fields Object) (Template, error) {
	var t Template
	for name, v := range fields.All() {
		n, err := t.readField(fieldPath{nil, name, -1}, v)
		if err != nil {
			return Template{}, err
		}
		t.names, t.ends = append(t.names, name), append(t.ends, len(t.References))
		if n == nil {
			t.fields = append(t.fields, plain{v})
		} else {
			t.fields = append(t.fields, n)
		}
	}
	return t, nil
}

// readField parses the value of a field. Like all functions below, it returns nil for a value
// without references.
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
		return nil, nil // a plain string
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

// treeReader parses an object or an array, with all that it contains, in one pass. A config
// may be nearly as deep as it is long.
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

// object parses an object. If one of its fields is secretKeyRef, the object is a reference.
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
		return nil, malformed(within, "with other fields next to it: it must be the only field of its object")
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

// assembled reads the end of an object or an array, and returns the node of its members.
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

// assembly collects the members of an object or an array. Adjacent members without
// references, which are often nearly all, become one member (a run).
type assembly struct {
	text    string
	run     int64 // offset of the current run; -1: there is none
	members []member
}

// add adds the member that begins at the offset begin. value is the offset of its value.
func (a *assembly) add(begin, value int64, n filled) {
	switch {
	case n != nil:
		a.endRun(begin)
		a.members = append(a.members, member{strings.TrimPrefix(a.text[begin:value], ","), n})
	case a.run < 0:
		a.run = begin
	}
}

// endRun adds the current run, if any, which ends at the offset end.
func (a *assembly) endRun(end int64) {
	if a.run >= 0 {
		a.members = append(a.members, member{"", raw(strings.TrimPrefix(a.text[a.run:end], ","))})
		a.run = -1
	}
}

// unreadable returns the error for invalid JSON, which cannot occur in text that was parsed
// before.
func unreadable(at fieldPath, cause error) *Error {
	return Precondition(at.its()+" is not valid JSON", cause)
}
