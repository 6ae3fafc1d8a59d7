package store

import (
	"strings"

	"credential-resolver/resolver/credential"
)

// GUIDPlaceholder stands for the GUID in a key template.
const GUIDPlaceholder = "{guid}"

// KeyTemplate is a config's key or object name that contains {guid} at least once (DESIGN.md,
// section 2, configKey).
type KeyTemplate string

// Of returns the key for a GUID.
func (t KeyTemplate) Of(guid string) string {
	return strings.ReplaceAll(string(t), GUIDPlaceholder, guid)
}

// GUID returns the GUID whose key this is. ok is false if the key does not match the template.
// The length of the key determines the length of the GUID, so at most one GUID matches.
func (t KeyTemplate) GUID(key string) (guid string, ok bool) {
	before, _, found := strings.Cut(string(t), GUIDPlaceholder)
	places := strings.Count(string(t), GUIDPlaceholder)
	length := len(key) - len(t) + places*len(GUIDPlaceholder) // of all occurrences of the GUID together
	if !found || length <= 0 || length%places != 0 || len(key) < len(before)+length/places {
		return "", false
	}
	guid = key[len(before) : len(before)+length/places]
	return guid, credential.ValidGUID(guid) && t.Of(guid) == key
}

// Prefix returns the part of the key before the first {guid}.
func (t KeyTemplate) Prefix() string {
	before, _, _ := strings.Cut(string(t), GUIDPlaceholder)
	return before
}

// Like returns an SQL LIKE pattern that matches every key of the template. A backslash escapes
// literal \, % and _.
func (t KeyTemplate) Like() string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(string(t))
	return strings.ReplaceAll(escaped, GUIDPlaceholder, "%")
}
