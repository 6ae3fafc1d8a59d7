package credential

// migrator writes the fields of a config anew.
type migrator struct {
	Origins Origins
	config  *Config
	now     Object // the credential
	m       *Migration
}

// field returns what stands for a field of the credential in the new config.
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
		return now, nil // as it is written
	}
	return b.Object().AsValue(), nil
}

// value is field for an agent's credential: was is the value before it was resolved.
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

// reference returns the explicit reference to where a value comes from.
func (w migrator) reference(at *fieldPath, from Origin, became Became) (Value, error) {
	ref := NewBuilder(2)
	ref.Set(refName, StringValue(from.secret))
	switch {
	case from.shadowed:
		return Value{}, Precondition(at.its()+" comes from a field of a JSON object whose own entry has the same name: "+
			"an explicit reference means the entry", nil)
	case from.key != "":
		ref.Set(refKey, StringValue(from.key))
	case !from.OnlyEntry:
		return Value{}, Precondition(at.its()+" comes from an entry without a name, which no explicit reference can name", nil)
	}
	w.became(at, became)
	return NewObject(Field{refWord, ref.Object().AsValue()}).AsValue(), nil
}

// literal returns what stands for a value that is to stay as it is.
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
	return Precondition(at.its()+` holds a field "secretKeyRef", which would be taken for an explicit reference`, nil)
}
