package component

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// fingerprintSize is the length of a fingerprint, in characters.
const fingerprintSize = 32

// fingerprint returns a hash that identifies a credential (DESIGN.md, section 3). It is the
// same for as long as the process runs, for every format and every choice of fields. It is
// keyed, because a credential can be guessed: another instance cannot try guesses until the
// fingerprints match.
func (k instanceKey) fingerprint(c *credential.Credential) string {
	mac := hmac.New(sha256.New, k)
	_, _ = io.WriteString(mac, "fingerprint\x00"+c.GUID+"\x00") // no reference that is hashed begins like this
	for name, v := range c.Fields.All() {
		text, _ := v.AsText() // the encoding refuses a value that is not UTF-8
		_, _ = fmt.Fprintf(mac, "%d:%s=%d:%d:%s;", len(name), name, v.Kind(), len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintSize/2])
}
