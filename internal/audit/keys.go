package audit

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"credential-resolver/resolver/credential"
)

// KeySize is the least size of the content of a key file, in bytes.
const KeySize = 32

// Keys are the keys of an audit log. They are derived from one secret, and none of them tells
// anything about another.
type Keys struct{ names, fingerprints, chain []byte }

// NewKeys derives the keys from a secret of at least KeySize random bytes.
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) < KeySize {
		return nil, fmt.Errorf("the key has %d bytes, but must have at least %d", len(secret), KeySize)
	}
	k := &Keys{}
	for use, key := range map[string]*[]byte{"names": &k.names, "fingerprints": &k.fingerprints, "chain": &k.chain} {
		derived, err := hkdf.Key(sha256.New, secret, nil, "credential-resolver audit 1 "+use, sha256.Size)
		if err != nil {
			return nil, err
		}
		*key = derived
	}
	return k, nil
}

// NameHash returns the hash that stands for a secret's name in audit lines and in the log. It is
// keyed, because a name that was looked up may be a password that can be guessed.
func (k *Keys) NameHash(name credential.Reference) string {
	mac := hmac.New(sha256.New, k.names)
	_, _ = io.WriteString(mac, string(name))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Fingerprint returns the fingerprint of a credential in audit lines. It differs from the one
// that applications see, whose key belongs to the instance.
func (k *Keys) Fingerprint(c *credential.Credential) string {
	return credential.Fingerprint(k.fingerprints, c)
}
