package resolver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	lru "github.com/hashicorp/golang-lru/v2"

	"credential-resolver/resolver/credential"
)

// maxTold bounds of how many configs it is remembered that their unused secrets have been
// told of.
const maxTold = 10_000

// Unused is a field of a single-key config whose value names a secret of which nothing was
// used: the value stays (section 4, step 5).
type Unused struct {
	// Field is the field's name, such as extra.token.
	Field string
	// Secret is the secret's name, and the field's value.
	Secret credential.Reference
}

// Format prints a fixed word for every verb.
func (Unused) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credential.Redacted) }

// told remembers configs by a hash of their text.
type told struct {
	configs *lru.Cache[[sha256.Size]byte, struct{}]
}

func newTold() told {
	configs, err := lru.New[[sha256.Size]byte, struct{}](maxTold)
	if err != nil {
		panic(err) // only for a size below one
	}
	return told{configs}
}

// first tells whether it is the first time that it is asked about a config.
func (t told) first(config *credential.Config) bool {
	seen, _ := t.configs.ContainsOrAdd(config.Sum(), struct{}{})
	return !seen
}

// merged is what the secrets of a single-key config have together, and which of them each
// entry is from.
type merged struct {
	entries credential.Object
	from    map[string]string // the secret's name, by the entry's
	Found   map[string]bool   // the secrets that there are
}

// tellUnused tells of the fields whose values stay though they name a secret, if nothing of
// that was used for any other field.
func (f *fetcher) tellUnused(ctx context.Context, m merged) {
	mayRefer := f.r.mayRefer(f.config)
	used := map[string]bool{}
	for _, value := range credential.StringValues(f.config.Fields, mayRefer) {
		if secret, ok := m.from[value]; ok {
			used[secret] = true
		}
	}
	var unused []Unused
	for name, value := range credential.StringFields(f.config.Fields) {
		if _, replaced := m.from[value]; m.Found[value] && !replaced && !used[value] && mayRefer.Has(name) {
			unused = append(unused, Unused{name.String(), credential.Reference(value)})
		}
	}
	if len(unused) > 0 {
		f.r.opts.Observer.UnusedSecrets(ctx, f.guid, unused, f.r.told.first(f.config))
	}
}
