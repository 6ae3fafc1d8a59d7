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

// instanceKeys derives a key for each instance from one that is drawn at the start of
// the process.
type instanceKeys struct{ secret []byte }

func newInstanceKeys() instanceKeys {
	k := instanceKeys{make([]byte, sha256.Size)}
	_, _ = rand.Read(k.secret) // never fails
	return k
}

// of returns the key of an instance: the same each time. An instance without an ID gets
// a key that no other has.
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

// hash names a reference in a log, the same way as long as the process runs. It is
// keyed, since a reference may be a password that can be guessed.
func (k instanceKey) hash(ref credential.Reference) string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(ref))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// fingerprintSize is the length of a fingerprint.
const fingerprintSize = 32

// fingerprint tells a credential from any other, the same way as long as the process
// runs, whatever form and fields of it are asked for (DESIGN.md, section 3). It is
// keyed, since a credential can be guessed: another instance cannot try guesses until its
// fingerprint is the same.
func (k instanceKey) fingerprint(c *credential.Credential) string {
	mac := hmac.New(sha256.New, k)
	_, _ = io.WriteString(mac, "fingerprint\x00"+c.GUID+"\x00") // no hash of a reference begins so
	for name, v := range c.Fields.All() {
		text, _ := v.AsText() // what is not UTF-8 is refused where it is encoded
		_, _ = fmt.Fprintf(mac, "%d:%s=%d:%d:%s;", len(name), name, v.Kind(), len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintSize/2])
}
