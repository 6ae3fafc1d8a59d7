package resolver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	lru "github.com/hashicorp/golang-lru/v2"

	"credential-resolver/resolver/credential"
)

// maxSeenConfigs limits how many configs are remembered as reported.
const maxSeenConfigs = 10_000

// Unused is a field of a single-key config that names a secret of which nothing was used. Its
// value stays (section 4, step 5).
type Unused struct {
	// Field is the field's name, such as extra.token.
	Field string
	// Secret is the secret's name, and the field's value.
	Secret credential.Reference
}

// Format prints a fixed word for every verb.
func (Unused) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, credential.Redacted) }

// seenConfigs remembers configs by the hash of their text.
type seenConfigs struct {
	configs *lru.Cache[[sha256.Size]byte, struct{}]
}

func newSeenConfigs() seenConfigs {
	configs, err := lru.New[[sha256.Size]byte, struct{}](maxSeenConfigs)
	if err != nil {
		panic(err) // only for a size below one
	}
	return seenConfigs{configs}
}

// first tells whether this is the first call with this config, and remembers the config.
func (s seenConfigs) first(config *credential.Config) bool {
	seen, _ := s.configs.ContainsOrAdd(config.Sum(), struct{}{})
	return !seen
}

// reportUnused reports the fields that name a secret and stay, if no other field uses anything
// of that secret.
func (f *fetcher) reportUnused(ctx context.Context, m merged) {
	mayRefer := f.r.mayRefer(f.config)
	used := make([]bool, len(m.secrets))
	for _, value := range credential.StringValues(f.config.Fields, mayRefer) {
		if from, ok := m.from[value]; ok {
			used[from.secret] = true
		}
	}
	var unused []Unused
	for name, value := range credential.StringFields(f.config.Fields) {
		_, replaced := m.from[value]
		if m.of(value).Len() > 0 && !replaced && !used[m.indices[value]] && mayRefer.Has(name) {
			unused = append(unused, Unused{name.String(), credential.Reference(value)})
		}
	}
	if len(unused) > 0 {
		f.r.opts.Observer.UnusedSecrets(ctx, f.guid, unused, f.r.reported.first(f.config))
	}
}
