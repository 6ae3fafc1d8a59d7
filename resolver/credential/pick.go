package credential

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Picked holds what an object has under some paths. A path is the name of a field, or the
// name of an object, a dot, and a path within that object: "extra.token". A field whose own
// name contains the dot comes first (section 3, fields).
type Picked struct {
	// Values are the values of the paths, in the order of the paths.
	Values []Value

	root *picked
}

// Find returns the value under a path. False: there is none.
func (o Object) Find(path string) (Value, bool) {
	if v, ok := o.Get(path); ok || !strings.Contains(path, ".") {
		return v, ok
	}
	p, _, ok := o.Pick([]string{path})
	if !ok {
		return Value{}, false
	}
	return p.Values[0], true
}

// Pick returns what the object has under the paths. If a path leads to nothing, ok is false
// and missing is that path. Each nested object is parsed once, whatever the number and depth
// of the paths.
func (o Object) Pick(paths []string) (p Picked, missing string, ok bool) {
	p = Picked{Values: make([]Value, len(paths)), root: newWanted(paths).pickFrom(o)}
	for i, path := range paths {
		if p.Values[i], ok = p.root.find(path); !ok {
			return Picked{}, path, false
		}
	}
	return p, "", true
}

// Object returns the object with only the picked fields, in its own order.
func (p Picked) Object() Object { return p.root.object() }

// wanted holds the paths to pick from one object.
type wanted struct {
	whole *Builder   // names of fields that are wanted as a whole
	heads *Builder   // names of objects that paths lead into
	inner []*wanted  // what is wanted within each head; nil until the object is found
	rests [][]string // the paths within each head
}

func newWanted(paths []string) *wanted {
	w := &wanted{whole: NewBuilder(len(paths)), heads: NewBuilder(0)}
	for _, path := range paths {
		w.whole.Set(path, Value{})
		head, rest, nested := strings.Cut(path, ".")
		if !nested {
			continue
		}
		i := w.heads.o.at(head)
		if i < 0 {
			i = len(w.rests)
			w.heads.Set(head, Value{})
			w.inner, w.rests = append(w.inner, nil), append(w.rests, nil)
		}
		w.rests[i] = append(w.rests[i], rest)
	}
	return w
}

// lookup tells whether the whole field is wanted, and which paths are wanted within it.
func (w *wanted) lookup(name string) (whole bool, inner *wanted) {
	whole = w.whole.o.at(name) >= 0
	i := w.heads.o.at(name)
	if i < 0 {
		return whole, nil
	}
	if w.inner[i] == nil {
		w.inner[i] = newWanted(w.rests[i])
	}
	return whole, w.inner[i]
}

// pickFrom picks from an object.
func (w *wanted) pickFrom(o Object) *picked {
	p := &picked{fields: NewBuilder(0)}
	for _, f := range o.fields {
		whole, inner := w.lookup(f.Name)
		if whole || inner != nil {
			p.set(f, whole, inner.pickFromValue(f.Value))
		}
	}
	return p
}

// pickFromValue picks from a value; nil if it is no object, or nothing in it is wanted.
func (w *wanted) pickFromValue(v Value) *picked {
	switch {
	case w == nil || v.kind != ObjectKind:
		return nil
	case v.object != nil:
		return w.pickFrom(*v.object)
	default:
		return w.pickFromText(textReader{v.text, decoderOf(v.text)})
	}
}

// textReader reads the compact JSON of a value in one pass.
type textReader struct {
	text string
	d    *jsontext.Decoder
}

func decoderOf(text string) *jsontext.Decoder {
	return jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
}

// pickFromText picks from the next object of the reader. The text is known to be valid JSON.
func (w *wanted) pickFromText(r textReader) *picked {
	p := &picked{fields: NewBuilder(0)}
	if _, err := r.d.ReadToken(); err != nil {
		return p
	}
	for r.d.PeekKind() != jsontext.KindEndObject {
		token, err := r.d.ReadToken()
		if err != nil {
			return p
		}
		name, begin := token.String(), r.d.InputOffset()
		whole, inner := w.lookup(name)
		var within *picked
		if inner != nil && r.d.PeekKind() == jsontext.KindBeginObject {
			within = inner.pickFromText(r)
		} else if err := r.d.SkipValue(); err != nil {
			return p
		}
		if !whole && inner == nil {
			continue
		}
		f := Field{Name: name}
		if whole {
			f.Value = valueOf(strings.TrimPrefix(r.text[begin:r.d.InputOffset()], ":"))
		}
		p.set(f, whole, within)
	}
	_, _ = r.d.ReadToken() // its end
	return p
}

// valueOf returns the value of a compact JSON text.
func valueOf(text string) Value {
	switch kind := jsontext.Value(text[:1]).Kind(); kind {
	case jsontext.KindString:
		s, _ := jsontext.AppendUnquote(nil, text)
		return StringValue(string(s))
	case jsontext.KindNull:
		return Value{}
	default:
		return Value{kind: valueKind(kind), text: text}
	}
}

// picked holds the wanted fields that one object has.
type picked struct {
	fields *Builder // in the order of the object
	parts  []part   // one for each field
}

// part tells what of one field was found, and what a path has led to.
type part struct {
	whole            bool
	inner            *picked // nil if no path leads into it
	isWhole, isInner bool    // a path has led to the whole field; into it
}

// set adds a field. Of fields with the same name, the last value is kept, at the first
// position.
func (p *picked) set(f Field, whole bool, inner *picked) {
	p.fields.Set(f.Name, f.Value)
	i := p.fields.o.at(f.Name)
	if i == len(p.parts) {
		p.parts = append(p.parts, part{})
	}
	p.parts[i] = part{whole: whole, inner: inner}
}

// find returns the value under a path, and marks it as picked.
func (p *picked) find(path string) (Value, bool) {
	if i := p.fields.o.at(path); i >= 0 && p.parts[i].whole {
		p.parts[i].isWhole = true
		return p.fields.o.fields[i].Value, true
	}
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return Value{}, false
	}
	i := p.fields.o.at(head)
	if i < 0 || p.parts[i].inner == nil {
		return Value{}, false
	}
	p.parts[i].isInner = true
	return p.parts[i].inner.find(rest)
}

func (p *picked) object() Object {
	b := NewBuilder(len(p.parts))
	for i, f := range p.fields.o.fields {
		switch part := p.parts[i]; {
		case part.isWhole:
			b.Set(f.Name, f.Value)
		case part.isInner:
			b.Set(f.Name, part.inner.object().AsValue())
		}
	}
	return b.Object()
}
