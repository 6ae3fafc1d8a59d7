package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// FingerprintSize is the length of a fingerprint, in characters.
const FingerprintSize = 32

// Fingerprint returns a hash that identifies a credential (DESIGN.md, section 3). It is the
// same for every format and every choice of fields. It is keyed, because a credential can be
// guessed: nobody without the key can try guesses until the fingerprints match. The key may
// also be that of hashes of references.
func Fingerprint(key []byte, c *Credential) string {
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, "fingerprint\x00"+c.GUID+"\x00") // no reference that is hashed begins like this
	for name, v := range c.Fields.All() {
		text, _ := v.AsText() // the encoding refuses a value that is not UTF-8
		_, _ = fmt.Fprintf(mac, "%d:%s=%d:%d:%s;", len(name), name, v.Kind(), len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:FingerprintSize/2])
}
