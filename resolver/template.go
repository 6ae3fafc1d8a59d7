package resolver

// template is a config with explicit references: its fields, each a value with places
// for secrets in it.
type template struct {
	names  []string
	fields []field
	refs   []*reference // all of them, in document order
}

// node is a value within an explicit config.
type node interface {
	// append appends the value with its secrets, as JSON. False: it stands for a secret
	// that there is not, and is to be left out.
	append(dst []byte, found found) ([]byte, bool, error)
}

// field is the value of one of the config's fields.
type field interface {
	// fill returns what append appends.
	fill(found found) (Value, bool, error)
}

// filled is a value with references in it, wherever it stands.
type filled interface {
	node
	field
}

var (
	_ field  = plain{}
	_ filled = keyNode{}
	_ filled = textNode{}
	_ filled = (*containerNode)(nil)
	_ node   = raw("")
)

// raw is JSON without references, as it is written.
type raw string

func (n raw) append(dst []byte, _ found) ([]byte, bool, error) { return append(dst, n...), true, nil }

// plain is a field without references.
type plain struct{ Value }

func (n plain) fill(found) (Value, bool, error) { return n.Value, true, nil }

// keyNode is a {"secretKeyRef": …}.
type keyNode struct{ ref *reference }

func (n keyNode) fill(found found) (Value, bool, error) { return found.value(n.ref) }

func (n keyNode) append(dst []byte, found found) ([]byte, bool, error) {
	return appendFilled(dst, n, n.ref.at, found)
}

// textNode is a string with references in it, or with an escape.
type textNode struct {
	at    *fieldPath
	parts []textPart
}

func (n textNode) fill(found found) (Value, bool, error) {
	var text []byte
	for _, part := range n.parts {
		s, err := part.fill(found)
		if err != nil {
			return Value{}, false, err
		}
		text = append(text, s...)
	}
	return StringValue(string(text)), true, nil
}

func (n textNode) append(dst []byte, found found) ([]byte, bool, error) {
	return appendFilled(dst, n, n.at, found)
}

func appendFilled(dst []byte, n field, at *fieldPath, found found) ([]byte, bool, error) {
	v, ok, err := n.fill(found)
	if err != nil || !ok {
		return dst, ok, err
	}
	if dst, err = v.AppendJSON(dst); err != nil {
		return dst, false, notUTF8(at, err)
	}
	return dst, true, nil
}

// containerNode is an object or an array with a reference somewhere in it. All else
// in it stays as it is written.
type containerNode struct {
	kind    ValueKind
	members []member
}

// member is a field of an object, or an element of an array.
type member struct {
	name string // quoted, with its colon; "" for an element
	node node
}

func (n *containerNode) fill(found found) (Value, bool, error) {
	text, _, err := n.append(nil, found)
	return Value{kind: n.kind, text: string(text)}, true, err
}

// append leaves out a field that is left out; an element becomes null instead, so
// that the others keep their places.
func (n *containerNode) append(dst []byte, found found) ([]byte, bool, error) {
	opening, closing := byte('{'), byte('}')
	if n.kind == ArrayKind {
		opening, closing = '[', ']'
	}
	dst = append(dst, opening)
	empty := true
	for _, m := range n.members {
		before := len(dst)
		if !empty {
			dst = append(dst, ',')
		}
		filled, ok, err := m.node.append(append(dst, m.name...), found)
		switch {
		case err != nil:
			return filled, false, err
		case ok:
			dst, empty = filled, false
		case n.kind == ArrayKind:
			dst, empty = append(dst, "null"...), false
		default:
			dst = dst[:before]
		}
	}
	return append(dst, closing), true, nil
}

// fill returns the credential.
func (t template) fill(found found) (Object, error) {
	b := newBuilder(len(t.fields))
	for i, n := range t.fields {
		v, ok, err := n.fill(found)
		if err != nil {
			return Object{}, err
		}
		if ok {
			b.set(t.names[i], v)
		}
	}
	return b.object(), nil
}
