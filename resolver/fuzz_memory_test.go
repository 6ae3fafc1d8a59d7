package resolver_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// everySecret is a store that returns the same secret for every name.
type everySecret map[string]string

func (s everySecret) Secret(context.Context, string) (map[string]string, error) { return s, nil }

// The most bytes that a resolution may allocate: perByte for each byte of input, plus a fixed
// part. The fixed part covers the budget of a credential and the copies made on the way.
const (
	perByte  = 400
	besides  = 64 << 20
	repeated = 64 << 10 // the fuzzer's texts are repeated to about this length
)

func requireWithinMemory(t *testing.T, config []byte, secret map[string]string) {
	t.Helper()
	r := resolver.New(resolver.Options{
		Configs: memory{configs: map[string][]byte{guid: config}}, Secrets: everySecret(secret), AllowUnresolved: true,
	})
	defer r.Close()
	read := len(config)
	for name, value := range secret {
		read += len(name) + len(value)
	}
	allocated := resolvertest.Allocated(func() {
		finished, err := r.Resolve(t.Context(), guid)
		if err != nil {
			return
		}
		size := 0
		for name, v := range finished.Fields.All() {
			if v.Kind() != credential.NullKind {
				size += len(name) + v.TextSize()
			}
		}
		require.LessOrEqual(t, size, budget)
	})
	require.LessOrEqual(t, allocated, uint64(perByte*read+besides))
}

func longer(s string) string {
	if s == "" {
		return s
	}
	return strings.Repeat(s, repeated/len(s)+1)
}

// FuzzMemoryOfAConfig resolves an arbitrary config. The memory used must be proportional to the
// input. Every name has a long secret.
func FuzzMemoryOfAConfig(f *testing.F) {
	for _, seed := range append(objectSeeds(),
		marks+`"a":["${b#k|json}",{"b":{"secretKeyRef":{"name":"b","key":"k"}}}]}`,
		`{"credentialSource":"agent","secret-path":"b","extra":{"a":"k","b":"k"}}`,
		`{"credentialSource":"agent","a":"b","b":"b","extra":{"k":"b"}}`) {
		f.Add([]byte(seed), "\\\"é\x00 x", 1)
		f.Add([]byte(seed), `{"k":"l","l":{}}`, 3000)
	}
	f.Fuzz(func(t *testing.T, config []byte, secret string, times int) {
		if inner := strings.TrimSuffix(strings.TrimPrefix(string(config), "{"), "}"); times > 1 && len(inner) < repeated {
			config = []byte(marks + many(min(times, repeated/(len(inner)+8)), "{"+inner+"}") + "}")
		}
		if len(config) > credential.MaxConfigSize {
			return
		}
		requireWithinMemory(t, config, map[string]string{"k": longer(secret), "l": secret})
		requireWithinMemory(t, config, map[string]string{"v": secret})
	})
}

// FuzzMemoryOfATemplate does the same for an arbitrary text with references, repeated many
// times in a config.
func FuzzMemoryOfATemplate(f *testing.F) {
	for _, seed := range []string{
		`${b#k}`, `${b#k|json}`, `${b#k|urlquery|base64}`, `${b#k|json|json|json|json}`, `$${`, `${b#l}`, "\x00${b}", `${`, `x`,
	} {
		f.Add(seed, `\`)
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		if !utf8.ValidString(text) || len(text) > repeated {
			return
		}
		quoted, err := credential.StringValue(longer(text)).AppendJSON(nil)
		require.NoError(t, err)
		requireWithinMemory(t, []byte(marks+`"a":`+string(quoted)+`,"b":[`+string(quoted)+`]}`),
			map[string]string{"k": longer(secret), "l": ""})
	})
}
