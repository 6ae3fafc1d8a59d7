package credential

// template is a config with explicit references: its fields, each a value with places
// for secrets in it.
type Template struct {
	names      []string
	fields     []field
	References []*ExplicitReference // all of them, in document order
}

// node is a value within an explicit config.
type node interface {
	// append appends the value with its secrets, as JSON, and charges that to the budget
	// first. False: it stands for a secret that there is not, and is to be left out.
	append(dst []byte, found Found, b *budget) ([]byte, bool, error)
}

// field is the value of one of the config's fields.
type field interface {
	// fill returns what append appends, and charges it as text.
	fill(found Found, b *budget) (Value, bool, error)
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

func (n raw) append(dst []byte, _ Found, b *budget) ([]byte, bool, error) {
	if err := b.charge(len(n)); err != nil {
		return dst, false, err
	}
	return append(dst, n...), true, nil
}

// plain is a field without references.
type plain struct{ Value }

func (n plain) fill(_ Found, b *budget) (Value, bool, error) {
	return n.Value, true, chargeText(n.Value, b)
}

// chargeText charges the text of a field's value. A flat answer has no entry for null.
func chargeText(v Value, b *budget) error {
	if v.kind == NullKind {
		return nil
	}
	return b.text(v)
}

// keyNode is a {"secretKeyRef": …}.
type keyNode struct{ ref *ExplicitReference }

func (n keyNode) fill(found Found, b *budget) (Value, bool, error) {
	v, ok, err := found.value(n.ref)
	if err == nil && ok {
		err = chargeText(v, b)
	}
	return v, ok, err
}

func (n keyNode) append(dst []byte, found Found, b *budget) ([]byte, bool, error) {
	v, ok, err := found.value(n.ref)
	if err != nil || !ok {
		return dst, ok, err
	}
	if err := b.json(v); err != nil {
		return dst, false, err
	}
	return appendJSON(dst, v, n.ref.at)
}

func appendJSON(dst []byte, v Value, at *fieldPath) ([]byte, bool, error) {
	dst, err := v.AppendJSON(dst)
	if err != nil {
		return dst, false, notUTF8(at, err)
	}
	return dst, true, nil
}

// textNode is a string with references in it, or with an escape.
type textNode struct {
	at    *fieldPath
	parts []textPart
}

func (n textNode) fill(found Found, b *budget) (Value, bool, error) {
	var text []byte
	for _, part := range n.parts {
		var err error
		if text, err = part.append(text, found, b); err != nil {
			return Value{}, false, err
		}
	}
	return StringValue(string(text)), true, nil
}

func (n textNode) append(dst []byte, found Found, b *budget) ([]byte, bool, error) {
	v, _, err := n.fill(found, b)
	if err != nil {
		return dst, false, err
	}
	if err := b.charge(len(`""`) + escapes(v.text)); err != nil {
		return dst, false, err
	}
	return appendJSON(dst, v, n.at)
}

// containerNode is an object or an array with a reference somewhere in it. All else
// in it stays as it is written.
type containerNode struct {
	kind    ValueKind
	members []member
}

// member is a field of an object, or an element of an array, or several without
// references.
type member struct {
	name string // as written, with its colon; "" for an element, and for several
	node node
}

func (n *containerNode) fill(found Found, b *budget) (Value, bool, error) {
	text, _, err := n.append(nil, found, b)
	return Value{kind: n.kind, text: string(text)}, true, err
}

// append leaves out a field that is left out; an element becomes null instead, so
// that the others keep their places.
func (n *containerNode) append(dst []byte, found Found, b *budget) ([]byte, bool, error) {
	opening, closing := byte('{'), byte('}')
	if n.kind == ArrayKind {
		opening, closing = '[', ']'
	}
	if err := b.charge(len("{}")); err != nil {
		return dst, false, err
	}
	dst = append(dst, opening)
	empty := true
	for _, m := range n.members {
		before, left := len(dst), b.left
		if !empty {
			dst = append(dst, ',')
		}
		dst = append(dst, m.name...)
		if err := b.charge(len(dst) - before); err != nil {
			return dst, false, err
		}
		filled, ok, err := m.node.append(dst, found, b)
		if err == nil && !ok && n.kind == ArrayKind {
			filled, ok, err = raw("null").append(dst, found, b)
		}
		switch {
		case err != nil:
			return filled, false, err
		case ok:
			dst, empty = filled, false
		default:
			dst, b.left = dst[:before], left
		}
	}
	return append(dst, closing), true, nil
}

// fill returns the credential, if it is within the budget of one.
func (t Template) Fill(found Found) (Object, error) { return t.fillWithin(found, newBudget()) }

func (t Template) fillWithin(found Found, b *budget) (Object, error) {
	filled := NewBuilder(len(t.fields))
	for i, n := range t.fields {
		v, ok, err := n.fill(found, b)
		if err != nil {
			return Object{}, err
		}
		if !ok {
			continue
		}
		if v.kind != NullKind {
			if err := b.charge(len(t.names[i])); err != nil {
				return Object{}, err
			}
		}
		filled.Set(t.names[i], v)
	}
	return filled.Object(), nil
}
