package store

import (
	"strings"

	"credential-resolver/resolver/credential"
)

// GUIDPlaceholder stands for the GUID in a key template.
const GUIDPlaceholder = "{guid}"

// KeyTemplate is a config's key or object name, with {guid} for the GUID, once or
// more often (DESIGN.md, section 2, configKey).
type KeyTemplate string

// Of returns the key of a GUID.
func (t KeyTemplate) Of(guid string) string {
	return strings.ReplaceAll(string(t), GUIDPlaceholder, guid)
}

// GUID returns the GUID whose key this is, if there is one. All GUIDs that a key
// could hold are equally long, so there is one at most.
func (t KeyTemplate) GUID(key string) (guid string, ok bool) {
	before, _, found := strings.Cut(string(t), GUIDPlaceholder)
	places := strings.Count(string(t), GUIDPlaceholder)
	length := len(key) - len(t) + places*len(GUIDPlaceholder) // of all GUIDs in the key
	if !found || length <= 0 || length%places != 0 || len(key) < len(before)+length/places {
		return "", false
	}
	guid = key[len(before) : len(before)+length/places]
	return guid, credential.ValidGUID(guid) && t.Of(guid) == key
}

// Like returns a LIKE pattern that every key of the template matches, with a
// backslash before what stands for itself.
func (t KeyTemplate) Like() string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(string(t))
	return strings.ReplaceAll(escaped, GUIDPlaceholder, "%")
}
