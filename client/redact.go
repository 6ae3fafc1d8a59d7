package client

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is the fixed word that a credential prints as.
const redacted = "[redacted]"

var (
	_ fmt.Formatter  = Credential{}
	_ fmt.Stringer   = Credential{}
	_ fmt.GoStringer = Credential{}
	_ slog.LogValuer = Credential{}
)

// Format prints a fixed word for every verb.
func (Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a fixed word.
func (Credential) String() string { return redacted }

// GoString returns a fixed word.
func (Credential) GoString() string { return redacted }

// LogValue returns a fixed word.
func (Credential) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a fixed word. [Credential.Reveal] returns the JSON.
func (Credential) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns a fixed word.
func (Credential) MarshalText() ([]byte, error) { return []byte(redacted), nil }
