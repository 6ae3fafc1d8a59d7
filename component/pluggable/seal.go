package pluggable

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// StateKeySize is the length of [Options].StateKey, in bytes.
const StateKeySize = 32

// sealer encrypts the files of the state folder with XChaCha20-Poly1305. It names files by a
// keyed hash, because the names that are hashed could be guessed. A nil sealer is usable. It
// is for a folder in memory: it leaves files as they are.
type sealer struct {
	aead  cipher.AEAD
	names []byte // the key of the hash
}

// sealedBegin is the beginning of each encrypted file. No other file of ours begins with it.
const sealedBegin = "pluggable sealed 1\n"

// errOtherKey is returned for a file that is damaged or encrypted with another key. It is
// also returned for a plain file if there is a key, and for an encrypted file if there is no
// key.
var errOtherKey = errors.New("it cannot be decrypted")

// newSealer returns a sealer with subkeys of key (HKDF, RFC 5869). It returns nil if key is
// nil.
func newSealer(key []byte) (*sealer, error) {
	if key == nil {
		return nil, nil //nolint:nilnil // a nil sealer is usable
	}
	if len(key) != StateKeySize {
		return nil, fmt.Errorf("pluggable: the state key has %d bytes, but must have %d", len(key), StateKeySize)
	}
	content, err := hkdf.Key(sha256.New, key, nil, "state content", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	names, err := hkdf.Key(sha256.New, key, nil, "state names", sha256.Size)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(content)
	return &sealer{aead, names}, err
}

// seal returns the content to write to the file called name. The file can be opened only
// under the same name.
func (s *sealer) seal(name string, plain []byte) []byte {
	if s == nil {
		return plain
	}
	begin := len(sealedBegin) + s.aead.NonceSize()
	text := make([]byte, begin, begin+len(plain)+s.aead.Overhead())
	copy(text, sealedBegin)
	_, _ = rand.Read(text[len(sealedBegin):]) // it never fails
	return s.aead.Seal(text, text[len(sealedBegin):], plain, []byte(name))
}

// open is the inverse of seal. Its error is errOtherKey.
func (s *sealer) open(name string, text []byte) ([]byte, error) {
	sealed, encrypted := bytes.CutPrefix(text, []byte(sealedBegin))
	switch {
	case s == nil && !encrypted:
		return text, nil
	case s == nil || !encrypted || len(sealed) < s.aead.NonceSize():
		return nil, errOtherKey
	}
	nonce, sealed := sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, sealed, []byte(name))
	if err != nil {
		return nil, errOtherKey
	}
	return plain, nil
}

// hash returns a name for parts, in hexadecimal. Other parts give another name. The hash is
// keyed, except for a nil sealer.
func (s *sealer) hash(parts ...string) string {
	var h hash.Hash
	if s == nil {
		h = sha256.New()
	} else {
		h = hmac.New(sha256.New, s.names)
	}
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:", len(part))
		_, _ = io.WriteString(h, part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
