package credential

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// MaxConfigSize is the maximum size of a config, in bytes (DESIGN.md, section 4).
const MaxConfigSize = 1 << 20

// The fields of a config that have a meaning (section 4).
const (
	FieldSource     = "credentialSource"
	FieldSecretPath = "secret-path"
	FieldExtra      = "extra"
	FieldOwn        = "credential-resolver"
)

// Source tells where the secrets of a credential come from (section 4, step 2).
type Source string

// The two sources.
const (
	SourceDirect Source = "direct"
	SourceAgent  Source = "agent"
)

// SecretMode tells how the secrets of a credential are stored (section 4, step 3).
type SecretMode string

// The two modes.
const (
	// MultiKey means one secret with all values: a bundle.
	MultiKey SecretMode = "multi-key"
	// SingleKey means one secret for each value.
	SingleKey SecretMode = "single-key"
)

// ModeExplicit stands for explicit references (section 10), which need no mode.
const ModeExplicit SecretMode = "explicit"

// Config is the stored config of a credential: its fields, some of which refer to secrets.
type Config struct {
	// Fields are the fields as stored, without the "credential-resolver" block.
	Fields Object
	// Source tells where the secrets come from.
	Source Source
	// SourceUnknown tells that credentialSource has an unknown value, and was taken for
	// direct.
	SourceUnknown bool
	// SecretPath is the name of the bundle for source agent; "" if there is none.
	SecretPath string
	// Explicit tells that the config uses explicit references (section 10). Then source, mode
	// and secret-path have no meaning, and are ordinary fields.
	Explicit bool

	stored    Object // with the "credential-resolver" block
	own       ownBlock
	ownErr    error    // why own is invalid
	filled    Template // only of a config with explicit references
	filledErr error    // why filled is invalid

	sum [sha256.Size]byte // SHA-256 of the text
}

// Format prints a fixed word for every verb: a literal may be a password.
func (Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// ParseConfig parses a config by section 4, steps 1 and 2. Its error is an [*Error] of kind
// FailedPrecondition without a GUID. It holds nothing of the config but names of fields. Use
// [Config.Check] to learn whether the config can be resolved.
func ParseConfig(text []byte) (*Config, error) {
	if len(text) > MaxConfigSize {
		return nil, Precondition("its config is larger than 1 MiB", nil)
	}
	unmarked, err := Unmarked(text)
	var stored Object
	if err == nil {
		stored, err = ParseObject(unmarked)
	}
	if err != nil {
		return nil, Precondition("its config is "+err.Error(), located(unmarked, err))
	}
	c := &Config{Fields: stored.Without(FieldOwn), stored: stored, sum: sha256.Sum256(text)}
	source, known := SourceOf(stored)
	c.Source, c.SourceUnknown = source, !known
	c.SecretPath = secretPathOf(stored)
	c.own, c.ownErr = readOwn(stored)
	if c.own.explicit && c.ownErr == nil {
		c.Explicit, c.SourceUnknown = true, false
		c.filled, c.filledErr = parseTemplate(c.Fields)
	}
	return c, nil
}

// located returns the line and column of a syntax error, for a log; any other error stays as
// it is.
func located(text []byte, err error) error {
	var fault *SyntaxError
	if !errors.As(err, &fault) {
		return err
	}
	before := text[:min(int(fault.Offset), len(text))]
	line, column := bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	return Remedy(fmt.Sprintf("line %d, column %d", line, column))
}

// SourceOf returns where the secrets of a config come from (section 4, step 2). known is
// false if credentialSource has an unknown value, and was taken for direct.
func SourceOf(config Object) (source Source, known bool) {
	v, _ := config.Get(FieldSource)
	switch {
	case v.kind == NullKind, v.kind == StringKind && v.text == string(SourceDirect):
		return SourceDirect, true
	case v.kind == StringKind && v.text == string(SourceAgent):
		return SourceAgent, true
	default:
		return SourceDirect, false
	}
}

func secretPathOf(config Object) string {
	v, _ := config.Get(FieldSecretPath)
	path, _ := v.Text()
	return path
}

// ModeOf returns how the secrets of a config are stored (section 4, step 3).
func ModeOf(config Object) SecretMode {
	source, _ := SourceOf(config)
	return modeOf(source, secretPathOf(config))
}

func modeOf(source Source, secretPath string) SecretMode {
	if source == SourceDirect || secretPath != "" {
		return MultiKey
	}
	return SingleKey
}

// Check fails if the config can never be resolved: secret-path is neither a string nor null
// (section 4, step 3), the "credential-resolver" block is invalid, or an explicit reference
// is malformed (section 10). Its error is like that of ParseConfig.
func (c *Config) Check() error {
	if c.Explicit {
		return c.filledErr
	}
	if v, ok := c.stored.Get(FieldSecretPath); ok && v.kind != StringKind && v.kind != NullKind {
		return Precondition(`its "secret-path" is neither a string nor null`, nil)
	}
	return c.ownErr
}

// SecretStore returns the name of the store that holds the secrets; "" for the default store.
func (c *Config) SecretStore() string { return c.own.SecretStoreName }

// LookupFields returns the config's own list of fields that may be references; nil if it has
// none.
func (c *Config) LookupFields() []string { return c.own.lookupFields }

// Template returns the parsed fields of a config with explicit references.
func (c *Config) Template() Template { return c.filled }

// Sum returns the SHA-256 hash of the config's text.
func (c *Config) Sum() [sha256.Size]byte { return c.sum }

// Mode returns how the secrets are stored (section 4, step 3).
func (c *Config) Mode() SecretMode { return modeOf(c.Source, c.SecretPath) }

// HowReferred returns the mode, or ModeExplicit if the references are explicit.
func (c *Config) HowReferred() SecretMode {
	if c.Explicit {
		return ModeExplicit
	}
	return c.Mode()
}

// ownBlock is the "credential-resolver" block of a config (section 4).
type ownBlock struct {
	SecretStoreName string   // a name of secretStores; "" for the default store
	lookupFields    []string // nil if there is no list
	explicit        bool     // its references are explicit
}

// readOwn parses the "credential-resolver" block. It refuses unknown fields: to ignore one
// would resolve the credential by other rules.
func readOwn(fields Object) (ownBlock, error) {
	var own ownBlock
	v, ok := fields.Get(FieldOwn)
	if !ok || v.kind == NullKind {
		return own, nil
	}
	block, ok := v.Object()
	if !ok {
		return own, Precondition(`its "credential-resolver" is not an object`, nil)
	}
	for name, v := range block.All() {
		switch name {
		case "secretStore":
			if own.SecretStoreName, ok = v.Text(); !ok || own.SecretStoreName == "" {
				return own, Precondition(`"secretStore" in its "credential-resolver" is not the name of a store`, nil)
			}
		case "lookupFields":
			if own.lookupFields, ok = texts(v); !ok {
				return own, Precondition(`"lookupFields" in its "credential-resolver" is not an array of field names`, nil)
			}
		case "references":
			if text, _ := v.Text(); text != "explicit" {
				return own, Precondition(`"references" in its "credential-resolver" is not "explicit"`, nil)
			}
			own.explicit = true
		default:
			return own, Precondition(`its "credential-resolver" has an unknown field; `+
				"the known fields are secretStore, references, lookupFields", nil)
		}
	}
	if own.explicit && own.lookupFields != nil {
		return ownBlock{}, Precondition(`its "credential-resolver" has "lookupFields", but explicit references are not looked up: remove "lookupFields"`, nil)
	}
	return own, nil
}

// texts returns the elements of an array of strings. False: the value is no such array.
func texts(v Value) ([]string, bool) {
	found := []string{}
	for _, element := range v.Elements() {
		text, ok := element.Text()
		if !ok {
			return nil, false
		}
		found = append(found, text)
	}
	return found, v.Kind() == ArrayKind
}
