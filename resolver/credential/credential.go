// Package credential holds the pure rules of a credential: values, configs, GUIDs,
// references, templates, substitution, and the kinds of error (DESIGN.md, sections 4, 5 and
// 10).
//
// It does no I/O and knows no store, no cache and no clock. The client imports it, so it must
// not import anything else of this module. Values, objects and references print as a fixed
// word, because they may be secrets.
package credential

import (
	"fmt"
	"io"
	"time"
)

// Credential is a finished credential. It is immutable.
type Credential struct {
	// GUID identifies the credential.
	GUID string
	// Fields are its fields, in the order of the config.
	Fields Object
	// ReadAt is when the read of its oldest part began.
	ReadAt time.Time
	// NewestAt is when the read of its newest part began.
	NewestAt time.Time
	// Provenance tells how it was made. Nil: it comes from an earlier process, which is unknown.
	Provenance *Provenance
}

// Format prints a fixed word for every verb: the fields hold secrets.
func (*Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// maxGUID is the maximum length of a GUID, in bytes (section 3).
const maxGUID = 128

// ValidGUID tells whether s is a well-formed GUID: 1 to 128 of A-Z a-z 0-9 _ -, but not
// "bulk", which daprd's secrets API reserves (section 3).
func ValidGUID(s string) bool {
	if s == "" || len(s) > maxGUID || s == "bulk" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// GUIDRule describes a well-formed GUID in errors.
const GUIDRule = `a GUID has 1 to 128 characters of A-Z a-z 0-9 _ -, and is not "bulk"`
