package component

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"credential-resolver/resolver/credential"
)

// instanceKeys derives a key for each instance from a random secret. The secret is drawn
// when the process starts.
type instanceKeys struct {
	secret []byte
	names  func(credential.Reference) string // hashes names for all instances; nil: each has its own key
}

func newInstanceKeys(names func(credential.Reference) string) instanceKeys {
	k := instanceKeys{make([]byte, sha256.Size), names}
	_, _ = rand.Read(k.secret) // never fails
	return k
}

// of returns the key of an instance. The same ID always gets the same key. An instance
// without an ID gets a key that no other instance has.
func (k instanceKeys) of(id string) instanceKey {
	if id == "" {
		id = rand.Text()
	}
	mac := hmac.New(sha256.New, k.secret)
	_, _ = io.WriteString(mac, id)
	return instanceKey{mac.Sum(nil), k.names}
}

// instanceKey is the key of one instance.
type instanceKey struct {
	key   []byte
	names func(credential.Reference) string
}

// hash returns a short hash that stands for a reference in the log. It stays the same while the
// process runs, or with an audit log, while its key file stays the same. It is keyed, because a
// reference may be a password that can be guessed.
func (k instanceKey) hash(ref credential.Reference) string {
	if k.names != nil {
		return k.names(ref)
	}
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte(ref))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// RandomHash returns a function that hashes names of secrets with a random key.
func RandomHash() func(credential.Reference) string { return newInstanceKeys(nil).of("").hash }

// fingerprint returns the fingerprint of a credential (DESIGN.md, section 3). It is the same for
// as long as the process runs.
func (k instanceKey) fingerprint(c *credential.Credential) string {
	return credential.Fingerprint(k.key, c)
}
