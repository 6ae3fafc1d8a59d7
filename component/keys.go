package component

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
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
func (k instanceKeys) of(id string) []byte {
	if id == "" {
		id = rand.Text()
	}
	mac := hmac.New(sha256.New, k.secret)
	_, _ = io.WriteString(mac, id)
	return mac.Sum(nil)
}
