package credential

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Secret is a secret after step 6 of section 4. The zero value is a missing secret. If the
// secret was one entry with a JSON object, it keeps that entry too, for explicit references
// (section 10).
type Secret struct {
	Object

	isObject   bool
	item, text string // name and text of the stored entry
}

// IsOneObject tells whether the secret is one stored entry whose value is a JSON object.
func (s Secret) IsOneObject() bool { return s.isObject }

// exists tells whether the secret has any entry, before or after step 6.
func (s Secret) exists() bool { return s.isObject || s.Len() > 0 }

// ReadSecret returns the secret with the entries that a store returned (section 4, step 6).
// It fails with [ErrNotUTF8]; see [Entries].
func ReadSecret(data map[string]string) (Secret, error) {
	if len(data) == 1 {
		for entry, text := range data {
			if o, ok, err := objectText(text); ok || err != nil {
				if entry == "" { // the object is the whole secret, and no entry
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

// Entries returns the entries of a secret, by section 4, step 6: a single entry with a JSON
// object stands for that object. It fails with [ErrNotUTF8] if such an object is not UTF-8.
// Other entries are sorted by name, because stores have no order.
func Entries(data map[string]string) (Object, error) {
	secret, err := ReadSecret(data)
	return secret.Object, err
}

// Missing tells whether a secret counts as missing, because all its entries are empty
// (section 4, step 4).
func Missing(entries Object) bool {
	_, n := notEmptyEntry(entries)
	return n == 0
}

// notEmptyEntry returns the last non-empty entry, and the number of non-empty entries.
func notEmptyEntry(entries Object) (entry Field, n int) {
	for name, v := range entries.All() {
		if !v.Empty() {
			entry = Field{name, v}
			n++
		}
	}
	return entry, n
}

// OnlyEntry returns the single non-empty entry of a secret, unless it is a JSON object
// (section 4, end of step 5). False: there is no such entry.
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

// objectText parses a text that is a JSON object. It fails with [ErrNotUTF8] if the object is
// valid JSON except for its encoding. As a plain text, such an object would be answered in
// place of one of its fields.
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

// Size estimates the memory of the secret, in bytes.
func (s Secret) Size() int { return SizeOf(s.Object) + len(s.item) + len(s.text) }
