package credential

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// MaxConfigSize is the largest config, in bytes (DESIGN.md, section 4).
const MaxConfigSize = 1 << 20

// The fields of a config that mean something (section 4).
const (
	FieldSource     = "credentialSource"
	FieldSecretPath = "secret-path"
	FieldExtra      = "extra"
	FieldOwn        = "credential-resolver"
)

// CredentialSource says where a credential's secrets come from (section 4, step 2).
type CredentialSource string

// The two sources.
const (
	SourceDirect CredentialSource = "direct"
	SourceAgent  CredentialSource = "agent"
)

// SecretMode says how a credential's secrets are kept (section 4, step 3).
type SecretMode string

// The two modes.
const (
	// MultiKey is one secret that holds them all: a bundle.
	MultiKey SecretMode = "multi-key"
	// SingleKey is one secret a field.
	SingleKey SecretMode = "single-key"
)

// Config is a credential's configuration as it is stored: the fields of the
// credential, some of which refer to secrets.
type Config struct {
	// Fields are the config's fields as stored, less our own block.
	Fields Object
	// Source is where the secrets come from.
	Source CredentialSource
	// SourceUnknown tells that credentialSource is neither a known source nor
	// absent nor null, and was taken for direct.
	SourceUnknown bool
	// SecretPath is the bundle's name for source agent; "" for none.
	SecretPath string
	// Explicit tells that the config marks its references itself (section 10): its
	// source, mode and secret-path then mean nothing, and are fields like any other.
	Explicit bool

	stored    Object // with our own block
	own       ownBlock
	ownErr    error    // why own could not be read
	filled    Template // of an explicit config
	filledErr error    // why that could not be read

	sum [sha256.Size]byte // of the text, which tells the config from any other
}

// Format prints a fixed word for every verb: a literal may be a password.
func (Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// ParseConfig reads a config by section 4, steps 1 and 2. Its error is of kind
// FailedPrecondition, carries no GUID, and holds nothing of the config but names
// of fields. Whether the config can be resolved, [Config.Check] says.
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

// located returns where a text is not JSON, for a log; err itself, if it is another fault.
func located(text []byte, err error) error {
	var fault *SyntaxError
	if !errors.As(err, &fault) {
		return err
	}
	before := text[:min(int(fault.Offset), len(text))]
	line, column := bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	return Remedy(fmt.Sprintf("line %d, column %d", line, column))
}

// SourceOf returns where a config's secrets come from (section 4, step 2). False: its
// credentialSource is neither a known source nor absent nor null, and was taken for
// direct.
func SourceOf(config Object) (source CredentialSource, known bool) {
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

// ModeOf returns how a config's secrets are kept (section 4, step 3).
func ModeOf(config Object) SecretMode {
	source, _ := SourceOf(config)
	return modeOf(source, secretPathOf(config))
}

func modeOf(source CredentialSource, secretPath string) SecretMode {
	if source == SourceDirect || secretPath != "" {
		return MultiKey
	}
	return SingleKey
}

// Check tells what of a config could never be resolved: a secret-path that names
// nothing (section 4, step 3), a block of ours that asks for what there is not, or an
// explicit reference that is malformed (section 10). Its error is like ParseConfig's.
func (c *Config) Check() error {
	if c.Explicit {
		return c.filledErr
	}
	if v, ok := c.stored.Get(FieldSecretPath); ok && v.kind != StringKind && v.kind != NullKind {
		return Precondition(`its "secret-path" is neither a string nor null`, nil)
	}
	return c.ownErr
}

// SecretStore returns the name of the store that the config's secrets are in; "" for the
// default store.
func (c *Config) SecretStore() string { return c.own.SecretStoreName }

// LookupFields returns the config's own list of the fields that may be references; nil if
// it has none.
func (c *Config) LookupFields() []string { return c.own.lookupFields }

// Template returns the fields of a config with explicit references.
func (c *Config) Template() Template { return c.filled }

// Sum returns a hash of the config's text, which tells it from any other.
func (c *Config) Sum() [sha256.Size]byte { return c.sum }

// Mode returns how the credential's secrets are kept (section 4, step 3).
func (c *Config) Mode() SecretMode { return modeOf(c.Source, c.SecretPath) }

// ownBlock is our own block of a config (section 4).
type ownBlock struct {
	SecretStoreName string   // a name of secretStores; "" for the default store
	lookupFields    []string // nil if it names none
	explicit        bool     // its references are marked
}

// readOwn reads our own block. It refuses what it does not know: to ignore it would
// resolve the credential by other rules.
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
				return own, Precondition(`"secretStore" of its "credential-resolver" is not the name of one`, nil)
			}
		case "lookupFields":
			if own.lookupFields, ok = texts(v); !ok {
				return own, Precondition(`"lookupFields" of its "credential-resolver" is not an array of names of fields`, nil)
			}
		case "references":
			if text, _ := v.Text(); text != "explicit" {
				return own, Precondition(`"references" of its "credential-resolver" is not "explicit"`, nil)
			}
			own.explicit = true
		default:
			return own, Precondition(`its "credential-resolver" has a field that is none of `+
				"secretStore, references, lookupFields", nil)
		}
	}
	if own.explicit && own.lookupFields != nil {
		return ownBlock{}, Precondition(`its "credential-resolver" has "lookupFields", but explicit references are not looked up`, nil)
	}
	return own, nil
}

// texts returns the elements of an array of strings, and whether a value is one.
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
