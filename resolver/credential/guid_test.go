package credential_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
)

// Section 3, the last paragraph.
func TestGUIDRule(t *testing.T) {
	for name, valid := range map[string]string{
		"a UUID":               "6f1c1e0a-9d0b-4c43-8a53-0a7d4c9a2f10",
		"one character":        "x",
		"128 characters":       strings.Repeat("x", 128),
		"every character":      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
		"a hyphen first":       "-rf",
		"bulk in another case": "Bulk",
		"more than bulk":       "bulk-1",
	} {
		assert.True(t, credential.ValidGUID(valid), name)
	}
	for name, malformed := range map[string]string{
		"nothing":               "",
		"129 characters":        strings.Repeat("x", 129),
		"bulk":                  "bulk",
		"a space":               "a b",
		"a slash":               "a/b",
		"a dot":                 "a.b",
		"two dots":              "..",
		"daprd's own separator": "app||guid",
		"a colon":               "a:b",
		"a brace":               "{guid}",
		"a letter with a mark":  "é",
		"a full-width digit":    "１",
		"NUL":                   "a\x00",
		"a line feed":           "a\n",
		"not UTF-8":             "a\xff",
		"before 0":              "/", "behind 9": ":",
		"before A": "@", "behind Z": "[",
		"before a": "`", "behind z": "{",
	} {
		assert.False(t, credential.ValidGUID(malformed), name)
	}
}
