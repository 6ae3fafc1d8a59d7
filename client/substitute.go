package client

import "credential-resolver/resolver/credential"

// CredentialSource says where a credential's secrets come from.
type CredentialSource = credential.Source

// SecretMode says how a credential's secrets are kept.
type SecretMode = credential.SecretMode

// The sources and the modes.
const (
	SourceDirect CredentialSource = credential.SourceDirect
	SourceAgent  CredentialSource = credential.SourceAgent
	MultiKey     SecretMode       = credential.MultiKey
	SingleKey    SecretMode       = credential.SingleKey
)

// ResolveCredentials returns a copy of a config with every reference replaced by the secret's
// value. It does the same as [ApplySecretValues]; this name is for whole configs. The inputs
// are not changed.
func ResolveCredentials(config, secrets Credential) Credential {
	return newCredential(config.GUID(), credential.ResolveCredentials(config.object(), secrets.object()))
}

// ApplySecretValues returns a copy of source with secrets substituted. It replaces each string
// value that equals a name in secrets by that name's value. It does so for the top level, and
// for "extra" one level down. The match is exact. The substitution is single-pass: a replaced
// value is never replaced again (DESIGN.md, section 4, step 7). The inputs are not changed.
func ApplySecretValues(source, secrets Credential) Credential {
	return newCredential(source.GUID(), credential.ApplySecretValues(source.object(), secrets.object()))
}

// Source returns where the credential's secrets come from (section 4, step 2).
func (c Credential) Source() CredentialSource {
	source, _ := credential.SourceOf(c.object())
	return source
}

// Mode returns how the credential's secrets are kept (section 4, step 3).
func (c Credential) Mode() SecretMode { return credential.ModeOf(c.object()) }
