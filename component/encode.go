package component

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"credential-resolver/resolver"
)

// ValueEntry is the one entry of an answer in JSON; it is also the name that
// daprd takes for a secret's only value.
const ValueEntry = "_value"

// FingerprintEntry is the entry that holds a credential's fingerprint.
const FingerprintEntry = "_fingerprint"

// maxAnswer is the largest message that daprd takes from a component, in bytes.
const maxAnswer = 4 << 20

// Encode makes the answer to a request of a credential (DESIGN.md, section 3).
func Encode(c *resolver.Credential, req Request) (map[string]string, error) {
	var (
		data map[string]string
		err  error
	)
	if req.Format == JSON {
		data, err = encodeJSON(c, req.Fields)
	} else {
		data, err = encodeFlat(c, req.Fields)
	}
	if err != nil {
		return nil, err
	}
	if size(data) > maxAnswer {
		return nil, &resolver.Error{
			Kind: resolver.TooLarge, GUID: c.GUID,
			Reason: "the answer is larger than the 4 MiB that the runtime takes: ask for some of its fields, by metadata.fields",
		}
	}
	return data, nil
}

func encodeFlat(c *resolver.Credential, fields []string) (map[string]string, error) {
	data := make(map[string]string, c.Fields.Len())
	put := func(name string, v resolver.Value) error {
		if v.Kind() == resolver.NullKind {
			return nil
		}
		text, err := v.AsText()
		if err != nil || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return notUTF8(c.GUID, name)
		}
		data[name] = text
		return nil
	}
	if fields == nil {
		for name, v := range c.Fields.All() {
			if err := put(name, v); err != nil {
				return nil, err
			}
		}
		return data, nil
	}
	for _, field := range fields {
		v, ok := c.Fields.Find(field)
		if !ok {
			return nil, noField(c.GUID, field)
		}
		if err := put(field, v); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func encodeJSON(c *resolver.Credential, fields []string) (map[string]string, error) {
	object := c.Fields
	if fields != nil {
		for _, field := range fields {
			if _, ok := object.Find(field); !ok {
				return nil, noField(c.GUID, field)
			}
		}
		object = pick(object, fields)
	}
	encoded, err := object.AppendJSON(nil)
	if err != nil {
		return nil, notUTF8(c.GUID, firstNotUTF8(object))
	}
	return map[string]string{ValueEntry: string(encoded)}, nil
}

// pick returns the object less what the fields do not name, in its own order. It
// takes the names for what Find takes them.
func pick(o resolver.Object, fields []string) resolver.Object {
	whole, within := map[string]bool{}, map[string][]string{}
	for _, field := range fields {
		if _, ok := o.Get(field); ok {
			whole[field] = true
		} else if head, rest, nested := strings.Cut(field, "."); nested {
			within[head] = append(within[head], rest)
		}
	}
	var kept []resolver.Field
	for name, v := range o.All() {
		if inner, ok := v.Object(); !whole[name] && ok && within[name] != nil {
			kept = append(kept, resolver.Field{Name: name, Value: pick(inner, within[name]).AsValue()})
		} else if whole[name] {
			kept = append(kept, resolver.Field{Name: name, Value: v})
		}
	}
	return resolver.NewObject(kept...)
}

// appendMessage appends an answer as a message of the protocol: a map of strings, its
// entries by their names, so that the same answer is the same message.
func appendMessage(dst []byte, data map[string]string) []byte {
	dst = slices.Grow(dst, size(data))
	for _, name := range slices.Sorted(maps.Keys(data)) {
		text := data[name]
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(entrySize(len(name), len(text)))) //nolint:gosec // a length
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendString(dst, name)
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = protowire.AppendString(dst, text)
	}
	return dst
}

// size returns the bytes of the answer as a protocol message: a repeated entry
// of two strings each.
func size(data map[string]string) int {
	total := 0
	for name, text := range data {
		total += mapEntrySize(len(name), len(text))
	}
	return total
}

// bulkEntrySize returns the bytes of one credential in the answer to a bulk
// request, in which each is a message of its own.
func bulkEntrySize(guid string, data map[string]string) int {
	return mapEntrySize(len(guid), size(data))
}

// mapEntrySize returns the bytes of an entry of a protocol message's map.
func mapEntrySize(key, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(entrySize(key, value))
}

func entrySize(key, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(key) + protowire.SizeTag(2) + protowire.SizeBytes(value)
}

func firstNotUTF8(o resolver.Object) string {
	for name, v := range o.All() {
		if _, err := v.AppendJSON(nil); err != nil || !utf8.ValidString(name) {
			return name
		}
	}
	return ""
}

func notUTF8(guid, field string) error {
	reason := "the name of a field is not valid UTF-8, which the runtime cannot carry"
	if utf8.ValidString(field) {
		reason = "field " + resolver.QuoteName(field) + " is not valid UTF-8, which the runtime cannot carry: store it encoded, as base64"
	}
	return &resolver.Error{Kind: resolver.FailedPrecondition, GUID: guid, Reason: reason}
}

func noField(guid, field string) error {
	return invalid(guid, "it has no field "+resolver.QuoteName(field))
}
