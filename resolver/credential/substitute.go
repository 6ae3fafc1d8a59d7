package credential

// ResolveCredentials returns a copy of a config with all references replaced, for source
// agent (section 4, step 7). It does not change its arguments.
func ResolveCredentials(config, secrets Object) Object {
	return ApplySecretValues(config, secrets)
}

// ApplySecretValues returns a copy of source. Each string value of source, and of "extra" one
// level down, that equals a name in secrets is replaced by the value of that name. The match
// is exact, in a single pass: replaced values are not matched again. It does not change its
// arguments (section 4, step 7).
func ApplySecretValues(source, secrets Object) Object {
	return Substitute(source, secrets, nil, nil)
}

// Substitute is like [ApplySecretValues], but only for the fields of a filter. It calls seen for
// each field of source, and of "extra" after "extra" itself, with its value in source. Nil: no
// calls.
func Substitute(source, secrets Object, of FieldFilter, seen func(FieldName, Value, bool)) Object {
	s := substitution{secrets, of, seen}
	b := copyOf(source)
	for i, f := range b.o.fields {
		b.o.fields[i].Value, _ = s.of(FieldName{"", f.Name}, f.Value)
		if f.Name == FieldExtra && f.Value.kind == ObjectKind {
			b.o.fields[i].Value = s.ofExtra(f.Value)
		}
	}
	return b.Object()
}

// substitution replaces values by those of secrets.
type substitution struct {
	secrets Object
	fields  FieldFilter
	seen    func(name FieldName, v Value, replaced bool) // nil: no calls
}

// of returns the value of a field, and whether it was replaced.
func (s substitution) of(name FieldName, v Value) (Value, bool) {
	replacement, ok := Value{}, false
	if v.kind == StringKind {
		replacement, ok = s.secrets.Get(v.text)
		ok = ok && s.fields.Has(name)
	}
	if s.seen != nil {
		s.seen(name, v, ok)
	}
	if !ok {
		return v, false
	}
	return replacement, true
}

// ofExtra replaces values one level down. If it replaces none, "extra" keeps its original text.
func (s substitution) ofExtra(extra Value) Value {
	o, _ := extra.Object()
	b := copyOf(o)
	replaced := false
	for i, f := range b.o.fields {
		v, ok := s.of(FieldName{FieldExtra, f.Name}, f.Value)
		b.o.fields[i].Value = v
		replaced = replaced || ok
	}
	if !replaced {
		return extra
	}
	return b.Object().AsValue()
}

// Overlay returns config with the entries of a secret laid over its fields, one level deep,
// for source direct (section 4, step 7).
func Overlay(config, secrets Object) Object {
	b := copyOf(config)
	for name, v := range secrets.All() {
		b.Set(name, v)
	}
	return b.Object()
}
