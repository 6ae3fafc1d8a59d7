package credential

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// storedSecret is a secret after step 6: the zero value is a missing one. Of one entry that
// is a JSON object it has that entry as well, for explicit references (section 10).
type Secret struct {
	Object

	isObject   bool
	item, text string // the stored entry's name and text
}

// isOneObject tells whether it is one entry that is a JSON object.
func (s Secret) IsOneObject() bool { return s.isObject }

// exists tells whether the store has the secret, with an entry that is not empty before or
// after step 6.
func (s Secret) exists() bool { return s.isObject || s.Len() > 0 }

// readSecret returns a secret that a store gave, and its entries as [Entries] does.
func ReadSecret(data map[string]string) (Secret, error) {
	if len(data) == 1 {
		for entry, text := range data {
			if o, ok, err := objectText(text); ok || err != nil {
				if entry == "" { // it is the secret, and no entry of it
					return Secret{Object: o}, err
				}
				return Secret{o, true, entry, text}, err
			}
		}
	}
	b := NewBuilder(len(data))
	for _, name := range slices.Sorted(maps.Keys(data)) {
		b.Set(name, StringValue(data[name]))
	}
	return Secret{Object: b.Object()}, nil
}

// Entries returns the entries of a secret as a store gave them, by section 4,
// step 6: one entry whose value is a JSON object stands for that object; it is an
// error if such an object is not UTF-8. Entries of a store have no order of their
// own; here they are sorted by name.
func Entries(data map[string]string) (Object, error) {
	secret, err := ReadSecret(data)
	return secret.Object, err
}

// missing tells whether a secret counts as none: section 4, step 4.
func Missing(entries Object) bool {
	_, n := notEmptyEntry(entries)
	return n == 0
}

// notEmptyEntry returns the last entry of a secret that is not empty, and how many such
// there are.
func notEmptyEntry(entries Object) (entry Field, n int) {
	for name, v := range entries.All() {
		if !v.Empty() {
			entry = Field{name, v}
			n++
		}
	}
	return entry, n
}

// onlyEntry returns a secret's single non-empty entry, if there is one alone and
// it is not a JSON object: section 4, step 5, its last sentence.
func OnlyEntry(entries Object) (Field, bool) {
	only, n := notEmptyEntry(entries)
	if n != 1 || only.Value.kind == ObjectKind {
		return Field{}, false
	}
	if text, ok := only.Value.Text(); ok {
		if _, isObject, err := objectText(text); isObject || err != nil {
			return Field{}, false
		}
	}
	return only, true
}

// objectText reads a text that is a JSON object. An object by JSON's grammar that
// is not UTF-8, or has half a surrogate pair in it, is an error: to take it for a
// plain text would hand out the whole object in the place of a field.
func objectText(text string) (o Object, isObject bool, err error) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return Object{}, false, nil
	}
	if o, err = ParseObject([]byte(text)); err == nil {
		return o, true, nil
	}
	if jsontext.Value(text).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		return Object{}, false, ErrNotUTF8
	}
	return Object{}, false, nil
}

// size estimates the memory of a secret.
func (s Secret) Size() int { return SizeOf(s.Object) + len(s.item) + len(s.text) }
