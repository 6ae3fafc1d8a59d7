package credential

// ResolveCredentials returns a copy of a config in which every reference is
// replaced: section 4, step 7, for source agent. The inputs are not touched.
func ResolveCredentials(config, secrets Object) Object {
	return ApplySecretValues(config, secrets)
}

// ApplySecretValues returns a copy of source in which every string value, and
// every string value of "extra" one level down, that equals a name in secrets is
// that name's value. The match is exact, and a value that was put in is never
// looked at again. The inputs are not touched.
func ApplySecretValues(source, secrets Object) Object {
	return Substitute(source, secrets, nil)
}

// applySecretValues is ApplySecretValues, of the chosen fields alone.
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

// applyToExtra replaces one level down. An "extra" in which nothing is replaced
// stays the text that it was.
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

// overlay returns config with the secret's entries laid over its fields, one
// level: section 4, step 7, for source direct.
func Overlay(config, secrets Object) Object {
	b := copyOf(config)
	for name, v := range secrets.All() {
		b.Set(name, v)
	}
	return b.Object()
}
