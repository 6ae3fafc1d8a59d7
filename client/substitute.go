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

// ResolveCredentials returns a copy of a config in which every reference is replaced by
// the secret's value: what [ApplySecretValues] does, under the name that it has for
// whole configs. The inputs are not touched.
func ResolveCredentials(config, secrets Credential) Credential {
	return newCredential(config.GUID(), credential.ResolveCredentials(config.object(), secrets.object()))
}

// ApplySecretValues returns a copy of source in which every string value, and every
// string value of "extra" one level down, that equals a name in secrets is that name's
// value. The match is exact, and a value that was put in is never looked at again
// (DESIGN.md, section 4, step 7). The inputs are not touched.
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
