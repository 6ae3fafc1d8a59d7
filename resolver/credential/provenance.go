package credential

import (
	"fmt"
	"io"
	"time"
	"unsafe"
)

// Provenance tells how a credential was made. It holds names of secrets, and no value. It is
// immutable.
type Provenance struct {
	// Source and Mode are those of the config. Explicit: they have no meaning, and are "".
	Source Source
	Mode   SecretMode
	// SourceUnknown tells that credentialSource has an unknown value, and was taken for direct.
	SourceUnknown bool
	// Explicit tells that the config uses explicit references (section 10).
	Explicit bool
	// NoStore tells that the Component has no store for the secrets of the config, so that the
	// config is the credential.
	NoStore bool
	// Began is when the resolution began. A secret that was read before comes from the cache.
	Began time.Time
	// Secrets are the secrets that the resolution needed to know, each one once, in the order of
	// the config.
	Secrets []SecretUse
	// Fields and References are the origins of the fields: those of explicit references, or the
	// others. Read them with [Credential.Origins].
	Fields     FieldOrigins
	References []ReferenceOrigin
}

// HowReferred returns the mode, or ModeExplicit if the references are explicit.
func (p *Provenance) HowReferred() SecretMode {
	if p.Explicit {
		return ModeExplicit
	}
	return p.Mode
}

// SecretUse is a secret that a resolution needed to know.
type SecretUse struct {
	// Store is the name of its store in secretStores; "" for the default store.
	Store string
	// Name is the secret's name. It may be a password, if the secret does not exist.
	Name Reference
	// Version is the version that was asked for; "" for the current one.
	Version string
	// ReadAt is when its last read began; zero if it was not read.
	ReadAt time.Time
	// Outcome is what came of it.
	Outcome Outcome
	// IsObject tells that the secret is one entry that stands for a JSON object (section 4, step
	// 6).
	IsObject bool
}

// StoreLabel returns the label of its store; see [SecretStoreLabel].
func (u SecretUse) StoreLabel() string { return SecretStoreLabel(u.Store) }

// SecretStoreLabel returns the label of a store of secrets: "secretStore" for the default store,
// whose name is "", and "secretStores.<name>" for one of secretStores.
func SecretStoreLabel(name string) string {
	if name == "" {
		return "secretStore"
	}
	return "secretStores." + name
}

// Outcome is what came of asking a store for a secret.
type Outcome uint8

// The outcomes. The resolution did not ask for the last three.
const (
	// SecretFound is a secret that exists.
	SecretFound Outcome = iota + 1
	// SecretMissing is a secret that does not exist, or has only empty entries.
	SecretMissing
	// SecretRefused is a looked-up value that the store refused, and that therefore counts as a
	// literal (section 2, deniedProbe).
	SecretRefused
	// SecretKnownLiteral is a looked-up value that named no secret a short time ago.
	SecretKnownLiteral
	// SecretNotAllowed is a looked-up value that allowedSecrets does not allow, and that
	// therefore counts as a literal (section 2, deniedProbe).
	SecretNotAllowed
	// SecretNotAName is the GUID of a direct credential whose store cannot have a secret of
	// that name.
	SecretNotAName
)

// String returns the outcome in one word, as explanations and audit lines have it.
func (o Outcome) String() string {
	switch o {
	case SecretFound:
		return "found"
	case SecretMissing:
		return "missing"
	case SecretRefused:
		return "refused"
	case SecretKnownLiteral:
		return "known-literal"
	case SecretNotAllowed:
		return "not-allowed"
	case SecretNotAName:
		return "not-a-name"
	default:
		return ""
	}
}

// Asked tells whether a secret was read for this resolution, alone or together with another
// resolution. False: it comes from the cache, or no store was asked.
func (p *Provenance) Asked(use SecretUse) bool {
	return use.Outcome <= SecretRefused && !use.ReadAt.Before(p.Began)
}

// Format prints a fixed word for every verb: a name may be a password.
func (*Provenance) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// Format prints a fixed word for every verb: the name may be a password.
func (SecretUse) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// Size estimates its memory, in bytes, without the texts that it shares with the credential.
func (p *Provenance) Size() int {
	if p == nil {
		return 0
	}
	size := int(unsafe.Sizeof(*p)) + len(p.Secrets)*int(unsafe.Sizeof(SecretUse{})) +
		cap(p.Fields.whys) + cap(p.Fields.secrets)*int(unsafe.Sizeof(lookups{}))
	for _, ref := range p.References {
		size += int(unsafe.Sizeof(ref)) + len(ref.path)
	}
	return size
}
