package credential

import "errors"

// The fields of an explicit reference that is a value of its own: Dapr's own words,
// and ours, the last three.
const (
	refWord     = "secretKeyRef"
	refName     = "name"
	refKey      = "key"
	refStore    = "store"
	refOptional = "optional"
	refDefault  = "default"
	refVersion  = "version" // reserved (section 10)
)

// reference is one explicit reference of a config (section 10).
type ExplicitReference struct {
	at    *fieldPath
	Store string // a name of secretStores; "" for the config's own, or the default
	Name  string // the secret's
	key   string // the entry's, or the field's of an object; "" for the only entry

	optional    bool // without what it refers to, its field is left out
	substitute  Value
	substituted bool // without what it refers to, it is the substitute
}

// readReference reads the object that stands at a secretKeyRef. What is written in
// it is taken as it is: it holds no references.
func readReference(at *fieldPath, v Value) (*ExplicitReference, error) {
	fields, ok := v.Object()
	if !ok {
		return nil, malformed(at, "that is not an object")
	}
	ref := &ExplicitReference{at: at}
	for name, v := range fields.All() {
		ok := true
		switch name {
		case refName:
			ref.Name, ok = notEmpty(v)
		case refKey:
			ref.key, ok = notEmpty(v)
		case refStore:
			ref.Store, ok = notEmpty(v)
		case refOptional:
			ref.optional, ok = v.text == "true", v.kind == BoolKind
		case refDefault:
			ref.substitute, ref.substituted = v, true
		case refVersion:
			return nil, malformed(at, `with a "version", which is not supported yet`)
		default:
			return nil, malformed(at, "with a field that is none of name, key, store, optional, default")
		}
		if !ok {
			return nil, malformed(at, `whose "`+name+`" is not what it has to be`)
		}
	}
	if ref.Name == "" {
		return nil, malformed(at, `without a "name"`)
	}
	return ref, nil
}

func notEmpty(v Value) (string, bool) {
	text, ok := v.Text()
	return text, ok && text != ""
}

// its names the reference's field for an error.
func (r *ExplicitReference) Subject() string { return r.at.its() }

func malformed(at *fieldPath, why string) *Error {
	return Precondition(at.its()+` has a "secretKeyRef" `+why, nil)
}

// value returns what the reference stands for, given its secret's entries. False:
// nothing does, and its field is to be left out.
func (r *ExplicitReference) value(entries *SecretEntries) (Value, bool, error) {
	v, ok, err := r.entry(entries)
	switch {
	case err != nil || ok:
		return v, ok, err
	case r.substituted:
		return r.substitute, true, nil
	case r.optional:
		return Value{}, false, nil
	case !entries.exists():
		return Value{}, false, r.notFound("a secret that does not exist")
	default:
		return Value{}, false, r.notFound("an entry that its secret does not have")
	}
}

// entry returns the entry that is referred to, whatever it is, and whether there is
// one.
func (r *ExplicitReference) entry(entries *SecretEntries) (Value, bool, error) {
	if r.key != "" {
		v, ok := entries.named(r.key)
		return v, ok, nil
	}
	if entries.notEmpty > 1 {
		return Value{}, false, Precondition(r.at.its()+" refers to a secret of several entries, and names none of them", nil)
	}
	return entries.last, entries.notEmpty == 1, nil
}

func (r *ExplicitReference) notFound(what string) *Error {
	return &Error{
		Kind: NotFound, Reason: r.at.its() + " refers to " + what,
		Store: SecretStoreName, Reference: Reference(r.Name),
	}
}

// found is what the references of a config refer to: the entries of secrets, by
// reference.
type Found map[*ExplicitReference]*SecretEntries

// secretEntries are the entries of a secret, looked through once: many references may
// name none of them.
type SecretEntries struct {
	Secret

	last     Value // the last entry that is not empty, as it is stored
	notEmpty int   // how many are not
}

func EntriesOfSecret(s Secret) *SecretEntries {
	if s.isObject {
		return &SecretEntries{s, StringValue(s.text), 1}
	}
	last, n := notEmptyEntry(s.Object)
	return &SecretEntries{s, last.Value, n}
}

// named returns the entry of a name as it is stored, else the field of the object that the
// secret stands for.
func (e *SecretEntries) named(key string) (Value, bool) {
	if e.isObject && e.item == key {
		return StringValue(e.text), true
	}
	return e.Get(key)
}

// value returns what a reference stands for; see [reference.value].
func (f Found) value(ref *ExplicitReference) (Value, bool, error) { return ref.value(f[ref]) }

// inField adds the reference's field to a failure that no retry mends.
func (r *ExplicitReference) InField(err error) error {
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != Denied && failure.Kind != FailedPrecondition {
		return err
	}
	named := *failure
	named.Reason += " (" + r.Subject() + " refers to it)"
	return &named
}
