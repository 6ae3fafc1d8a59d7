package credential

// Template is a parsed config with explicit references (section 10): its fields, with places
// for the values of secrets.
type Template struct {
	names      []string
	fields     []field
	ends       []int                // the number of references up to the end of each field
	References []*ExplicitReference // all references, in document order
}

// node is a value anywhere in a template.
type node interface {
	// append charges the budget, and then appends the value with its secrets as JSON. False:
	// its secret is missing, and the value is left out.
	append(dst []byte, found Found, b *budget) ([]byte, bool, error)
}

// field is the value of a top-level field.
type field interface {
	// fill is like append, but returns the value and charges the length of its text.
	fill(found Found, b *budget) (Value, bool, error)
}

// filled is a value with references, at any depth.
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

// raw is JSON text without references.
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

// chargeText charges the text of a field. A flat answer leaves out null.
func chargeText(v Value, b *budget) error {
	if v.kind == NullKind {
		return nil
	}
	return b.text(v)
}

// keyNode is an object {"secretKeyRef": …}.
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

// textNode is a string with a reference or an escape.
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

// containerNode is an object or an array that contains a reference. The rest of it keeps its
// original text.
type containerNode struct {
	kind    ValueKind
	members []member
}

// member is a field of an object, an element of an array, or a run of members without
// references.
type member struct {
	name string // as written, with its colon; "" for an element or a run
	node node
}

func (n *containerNode) fill(found Found, b *budget) (Value, bool, error) {
	text, _, err := n.append(nil, found, b)
	return Value{kind: n.kind, text: string(text)}, true, err
}

// append leaves out a field whose secret is missing. An element becomes null instead, so that
// the other elements keep their index.
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

// Origins returns where the values of the credential come from. secrets holds, for each
// reference, the index of its secret in [Provenance].Secrets.
func (t Template) Origins(found Found, secrets []int) []ReferenceOrigin {
	origins := make([]ReferenceOrigin, len(t.References))
	field := 0
	for i, ref := range t.References {
		for t.ends[field] <= i {
			field++
		}
		why := WhyNormal
		if _, ok, _ := ref.entry(found[ref]); !ok {
			why = WhyLeftOut
			if ref.substituted {
				why = WhyDefault
			}
		}
		origins[i] = ReferenceOrigin{
			FieldOrigin: FieldOrigin{int32(secrets[i]), NoSecret, FromReference, why}, //nolint:gosec // a config has fewer
			gone:        why == WhyLeftOut && ref.at.within == nil,
			field:       int32(field),
			path:        ref.at.String(),
		}
	}
	return origins
}

// Fill returns the credential with the values of the secrets. Its error is an [*Error]
// without a GUID: of kind NotFound or FailedPrecondition for a reference without a value, or
// TooLarge for a credential over 4 MiB.
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
