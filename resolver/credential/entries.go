package credential

import (
	"errors"
)

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
