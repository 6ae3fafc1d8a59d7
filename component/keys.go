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
type instanceKeys struct{ secret []byte }

func newInstanceKeys() instanceKeys {
	k := instanceKeys{make([]byte, sha256.Size)}
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
	return mac.Sum(nil)
}

// instanceKey is the key of one instance.
type instanceKey []byte

// hash returns a short hash that stands for a reference in the log. It is the same for as
// long as the process runs. It is keyed, because a reference may be a password that can be
// guessed.
func (k instanceKey) hash(ref credential.Reference) string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(ref))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// HashOf returns a function that hashes names of secrets with a key, as the log of an instance
// with that key does. Nil: a random key.
func HashOf(key []byte) func(credential.Reference) string {
	if key == nil {
		return newInstanceKeys().of("").hash
	}
	return instanceKey(key).hash
}

// fingerprint returns the fingerprint of a credential (DESIGN.md, section 3). It is the same for
// as long as the process runs.
func (k instanceKey) fingerprint(c *credential.Credential) string { return credential.Fingerprint(k, c) }
