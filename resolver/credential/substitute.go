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
	return Substitute(source, secrets, nil)
}

// Substitute is like [ApplySecretValues], but only for the fields of a filter.
func Substitute(source, secrets Object, of FieldFilter) Object {
	b := copyOf(source)
	for i, f := range b.o.fields {
		switch {
		case f.Value.kind == StringKind:
			if v, ok := secrets.Get(f.Value.text); ok && of.Has(FieldName{"", f.Name}) {
				b.o.fields[i].Value = v
			}
		case f.Name == FieldExtra && f.Value.kind == ObjectKind:
			b.o.fields[i].Value = applyToExtra(f.Value, secrets, of)
		}
	}
	return b.Object()
}

// applyToExtra replaces values one level down. If it replaces none, "extra" keeps its
// original text.
func applyToExtra(extra Value, secrets Object, of FieldFilter) Value {
	o, _ := extra.Object()
	b := copyOf(o)
	replaced := false
	for i, f := range b.o.fields {
		if f.Value.kind != StringKind {
			continue
		}
		if v, ok := secrets.Get(f.Value.text); ok && of.Has(FieldName{FieldExtra, f.Name}) {
			b.o.fields[i].Value = v
			replaced = true
		}
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
