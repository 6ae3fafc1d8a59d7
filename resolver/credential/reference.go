package credential

import "errors"

// The fields of an explicit reference (section 10). The first four are Dapr's own words.
const (
	refWord     = "secretKeyRef"
	refName     = "name"
	refKey      = "key"
	refStore    = "store"
	refOptional = "optional"
	refDefault  = "default"
	refVersion  = "version"
)

// ExplicitReference is one explicit reference of a config (section 10).
type ExplicitReference struct {
	at    *fieldPath
	Store string // a name of secretStores; "" for the config's own store, or the default
	Name  string // the name of the secret
	// Version is the version of the secret, as its store counts them; "" for the current one.
	Version string
	key     string // the name of the entry, or of a field of the object; "" for the only entry

	optional    bool // if there is no value, the field is left out
	substitute  Value
	substituted bool // if there is no value, substitute is used
}

// readReference parses the value of a secretKeyRef. Its strings are taken as they are: they
// contain no references.
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
			ref.Version, ok = versionText(v)
		default:
			return nil, malformed(at, "with an unknown field; the known fields are name, key, store, version, optional, default")
		}
		if !ok {
			return nil, malformed(at, `whose "`+name+`" has the wrong type, or is empty`)
		}
	}
	if ref.Name == "" {
		return nil, malformed(at, `without a "name"`)
	}
	return ref, nil
}

// notEmpty returns the text of a string. False: the value is no string, or is empty.
func notEmpty(v Value) (string, bool) {
	text, ok := v.Text()
	return text, ok && text != ""
}

// versionText returns the text of a version. A number stands for its digits, because Vault
// counts versions. False: the value is neither, or is empty.
func versionText(v Value) (string, bool) {
	if v.kind == NumberKind {
		return v.text, true
	}
	return notEmpty(v)
}

// Subject returns words for the field of the reference, to begin an error with.
func (r *ExplicitReference) Subject() string { return r.at.its() }

func malformed(at *fieldPath, why string) *Error {
	return Precondition(at.its()+` has a "secretKeyRef" `+why, nil)
}

// value returns the value of the reference from the entries of its secret. False: it has
// none, and its field is left out.
func (r *ExplicitReference) value(entries *SecretEntries) (Value, bool, error) {
	v, ok, err := r.entry(entries)
	switch {
	case err != nil || ok:
		return v, ok, err
	case r.substituted:
		return r.substitute, true, nil
	case r.optional:
		return Value{}, false, nil
	case !entries.exists() && r.Version != "":
		return Value{}, false, r.notFound(entries, "a version of a secret that does not exist")
	case !entries.exists():
		return Value{}, false, r.notFound(entries, "a secret that does not exist")
	default:
		return Value{}, false, r.notFound(entries, "an entry that its secret does not have")
	}
}

// entry returns the entry that the reference names. False: there is no such entry.
func (r *ExplicitReference) entry(entries *SecretEntries) (Value, bool, error) {
	if r.key != "" {
		v, ok := entries.named(r.key)
		return v, ok, nil
	}
	if entries.notEmpty > 1 {
		return Value{}, false, Precondition(r.at.its()+" refers to a secret with several entries, but names none of them", nil)
	}
	return entries.last, entries.notEmpty == 1, nil
}

func (r *ExplicitReference) notFound(in *SecretEntries, what string) *Error {
	return SecretNotFound("", in.store, r.Name, r.at.its()+" refers to "+what)
}

// Found holds the entries of the secret of each reference.
type Found map[*ExplicitReference]*SecretEntries

// SecretEntries are the entries of a secret, with the results of one scan. Many references
// may need them.
type SecretEntries struct {
	Secret

	store    string // the label of its store
	last     Value  // the last non-empty entry, as stored
	notEmpty int    // number of non-empty entries
}

// EntriesOfSecret scans the entries of a secret. store is the label of its store, for errors.
func EntriesOfSecret(s Secret, store string) *SecretEntries {
	if s.isObject {
		return &SecretEntries{s, store, StringValue(s.text), 1}
	}
	last, n := notEmptyEntry(s.Object)
	return &SecretEntries{s, store, last.Value, n}
}

// named returns the stored entry with this name; else the field of the object that the secret
// stands for (section 4, step 6).
func (e *SecretEntries) named(key string) (Value, bool) {
	if e.isObject && e.item == key {
		return StringValue(e.text), true
	}
	return e.Get(key)
}

// value returns the value of a reference; see [ExplicitReference.value].
func (f Found) value(ref *ExplicitReference) (Value, bool, error) { return ref.value(f[ref]) }

// InField adds the field of the reference to an error; see [InField].
func (r *ExplicitReference) InField(err error) error { return InField(r.Subject(), err) }

// InField adds a field to an error of kind Denied or FailedPrecondition; any other error stays
// as it is. subject is the field in words, such as its field "password".
func InField(subject string, err error) error {
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != Denied && failure.Kind != FailedPrecondition {
		return err
	}
	named := *failure
	named.Reason += " (" + subject + " refers to it)"
	return &named
}

// Check returns the error that the reference causes with the entries of its secret: of kind
// NotFound if it has no value, or FailedPrecondition if it names none of several entries.
func (r *ExplicitReference) Check(entries *SecretEntries) error {
	_, _, err := r.value(entries)
	return err
}
