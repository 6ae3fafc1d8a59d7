package credential

import (
	"fmt"
	"io"
	"time"
)

// Credential is a finished credential: immutable.
type Credential struct {
	// GUID is the credential's.
	GUID string
	// Fields are its fields, in the config's order.
	Fields Object
	// ReadAt is when the reading of the oldest part of it began.
	ReadAt time.Time
	// NewestAt is when the reading of the newest part of it began.
	NewestAt time.Time
}

// Format prints a fixed word for every verb: the fields hold secrets.
func (*Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }
