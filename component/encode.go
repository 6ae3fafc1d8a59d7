package component

import (
	"iter"
	"maps"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"credential-resolver/resolver/credential"
)

// ValueEntry is the name of the only entry of a JSON answer. daprd uses the same name for
// the value of a secret that has only one.
const ValueEntry = "_value"

// FingerprintEntry is the name of the entry with a credential's fingerprint.
const FingerprintEntry = "_fingerprint"

// maxAnswer is the largest message that daprd accepts from a component, in bytes.
const maxAnswer = 4 << 20

// Encode returns a credential as the answer to a request (DESIGN.md, section 3). It leaves
// room for a fingerprint if the request asks for one. It checks the size of the answer
// before it builds it.
func Encode(c *credential.Credential, req Request) (map[string]string, error) {
	fields, picked := c.Fields.All(), credential.Picked{}
	if req.Fields != nil {
		var missing string
		var ok bool
		if picked, missing, ok = c.Fields.Pick(req.Fields); !ok {
			return nil, noField(c.GUID, missing)
		}
		fields = pairs(req.Fields, picked.Values)
	}
	most := maxAnswer
	if req.Fingerprint {
		most -= mapEntrySize(len(FingerprintEntry), credential.FingerprintSize)
	}
	if req.Format != JSON {
		return encodeFlat(c.GUID, fields, most)
	}
	if req.Fields != nil {
		return encodeJSON(c.GUID, picked.Object(), most)
	}
	return encodeJSON(c.GUID, c.Fields, most)
}

// pairs yields names with their values.
func pairs(names []string, values []credential.Value) iter.Seq2[string, credential.Value] {
	return func(yield func(string, credential.Value) bool) {
		for i, name := range names {
			if !yield(name, values[i]) {
				return
			}
		}
	}
}

func encodeFlat(guid string, fields iter.Seq2[string, credential.Value], most int) (map[string]string, error) {
	entries := 0
	for name, v := range fields {
		if v.Kind() == credential.NullKind {
			continue
		}
		entries++
		if most -= mapEntrySize(len(name), v.TextSize()); most < 0 {
			return nil, tooLarge(guid)
		}
	}
	data := make(map[string]string, entries)
	for name, v := range fields {
		if v.Kind() == credential.NullKind {
			continue
		}
		text, err := v.AsText()
		if err != nil || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return nil, notUTF8(guid, name)
		}
		data[name] = text
	}
	return data, nil
}

func encodeJSON(guid string, object credential.Object, most int) (map[string]string, error) {
	length := object.JSONSize()
	if mapEntrySize(len(ValueEntry), length) > most {
		return nil, tooLarge(guid)
	}
	encoded, err := object.AppendJSON(make([]byte, 0, length))
	if err != nil {
		return nil, notUTF8(guid, firstNotUTF8(object))
	}
	return map[string]string{ValueEntry: string(encoded)}, nil
}

func tooLarge(guid string) error {
	return &credential.Error{
		Kind: credential.TooLarge, GUID: guid,
		Reason: "the answer is larger than the runtime's limit of 4 MiB: ask for fewer fields with metadata.fields",
	}
}

// appendMessage appends an answer as a protocol message: a map of strings. The entries are
// sorted by name, so that equal answers are equal messages.
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

// size returns the size of an answer as a protocol message, in bytes: a repeated entry of
// two strings.
func size(data map[string]string) int {
	total := 0
	for name, text := range data {
		total += mapEntrySize(len(name), len(text))
	}
	return total
}

// bulkEntrySize returns the size of one credential in a bulk answer, in bytes. Each
// credential is a message of its own there.
func bulkEntrySize(guid string, data map[string]string) int {
	return mapEntrySize(len(guid), size(data))
}

// mapEntrySize returns the size of a map entry in a protocol message, in bytes. key and
// value are lengths in bytes.
func mapEntrySize(key, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(entrySize(key, value))
}

func entrySize(key, value int) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(key) + protowire.SizeTag(2) + protowire.SizeBytes(value)
}

func firstNotUTF8(o credential.Object) string {
	for name, v := range o.All() {
		if _, err := v.AppendJSON(nil); err != nil || !utf8.ValidString(name) {
			return name
		}
	}
	return ""
}

func notUTF8(guid, field string) error {
	reason := "the name of a field is not valid UTF-8, so the runtime cannot transmit it"
	if utf8.ValidString(field) {
		reason = "field " + credential.QuoteName(field) + " is not valid UTF-8, so the runtime cannot transmit it: store it as base64"
	}
	return &credential.Error{Kind: credential.FailedPrecondition, GUID: guid, Reason: reason}
}

func noField(guid, field string) error {
	return invalid(guid, "it has no field "+credential.QuoteName(field))
}
