package audit

import (
	"weak"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/resolver/credential"
)

// maxDescribed is the number of credentials whose description is kept. maxDescription is the
// size of the largest description that is kept, in bytes.
const (
	maxDescribed   = 4096
	maxDescription = 4 << 10
)

// describer describes credentials: their fingerprint, and the secrets that they were made of.
// A credential in the cache is asked for many times, so its description is kept. It is not safe
// for concurrent use.
type describer struct {
	keys *Keys
	kept *simplelru.LRU[weak.Pointer[credential.Credential], []byte] // fields of a body
}

func newDescriber(keys *Keys) *describer {
	kept, err := simplelru.NewLRU[weak.Pointer[credential.Credential], []byte](maxDescribed, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &describer{keys, kept}
}

// appendTo appends to a line's body what the record's credential, or its failure, is about.
func (d *describer) appendTo(b []byte, r *Record) []byte {
	if r.Credential == nil {
		return d.appendFailed(b, r)
	}
	if !r.Cached {
		return append(b, d.describe(r.Credential)...)
	}
	pointer := weak.Make(r.Credential) // the cache decides how long the credential is kept
	text, ok := d.kept.Get(pointer)
	if !ok {
		text = d.describe(r.Credential)
		if len(text) <= maxDescription {
			d.kept.Add(pointer, text)
		}
	}
	return append(b, text...)
}

// appendFailed appends the secret, or else the store, that a failure is about.
func (d *describer) appendFailed(b []byte, r *Record) []byte {
	if r.FailedSecret == "" {
		return appendText(b, "store", r.FailedStore)
	}
	b = append(b, `,"secrets":[`...)
	b = d.appendSecret(b, r.FailedStore, r.FailedSecret, "", "failed")
	return append(b, ']')
}

// appendSecret appends an element of "secrets".
func (d *describer) appendSecret(b []byte, store string, name credential.Reference, version, outcome string) []byte {
	b = append(b, `{"hash":"`...)
	b = append(b, d.keys.NameHash(name)...)
	b = append(b, '"')
	b = appendText(b, "store", store)
	b = appendText(b, "version", version)
	b = appendText(b, "outcome", outcome)
	return append(b, '}')
}

// describe returns the fields that describe a credential.
func (d *describer) describe(c *credential.Credential) []byte {
	var b []byte
	if p := c.Provenance; p != nil {
		b = appendText(b, "source", string(p.Source))
		b = appendText(b, "mode", string(p.HowReferred()))
		for i, use := range p.Secrets {
			if i == 0 {
				b = append(b, `,"secrets":[`...)
			} else {
				b = append(b, ',')
			}
			b = d.appendSecret(b, use.StoreLabel(), use.Name, use.Version, use.Outcome.String())
		}
		if len(p.Secrets) > 0 {
			b = append(b, ']')
		}
	}
	return appendText(b, "fingerprint", d.keys.Fingerprint(c))
}
