package resolver_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// cacheMaxBytes limits memory, so the estimate must not be far too low. It may be too high: a
// text that occurs many times in a credential is stored once.
func TestWeightIsNotBelowTheMemoryUsed(t *testing.T) {
	for name, config := range map[string]string{
		"typical": `{` + benchFields + `}`,
		"wide":    `{` + distinct(1000, `"v%d"`)[1:] + `}`,
		"empty":   `{}`,
		"long":    `{"a":"` + strings.Repeat("x", 10_000) + `"}`,
		"extra":   `{"extra":{"replaced":"k"` + distinct(100, `"v%d"`) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			const n = 300
			data := resolvertest.Parse(t, `{"k":"v"}`)
			kept := make([]*credential.Credential, n)
			estimate := 0
			before := heap()
			for i := range kept {
				o := credential.ApplySecretValues(resolvertest.Parse(t, config), data)
				kept[i] = &credential.Credential{GUID: fmt.Sprint(i), Fields: o}
				estimate += credential.SizeOf(o)
			}
			assert.Less(t, heap()-before, int64(estimate)*5/4)
			require.Len(t, kept, n)
			runtime.KeepAlive(kept)
		})
	}
}

// The provenance of a credential counts too.
func TestWeightOfResolvedCredentials(t *testing.T) {
	for name, config := range map[string]string{
		"single-key": `{"credentialSource":"agent"` + distinct(50, `"v%d"`) + `,"p":"k"}`,
		"bundle":     `{"credentialSource":"agent","secret-path":"k"` + distinct(50, `"v%d"`) + `,"p":"v"}`,
		"explicit":   explicitly(`"deep":{"list":[` + strings.Repeat(`"${k}",`, 200) + `"${k}"]}`),
	} {
		t.Run(name, func(t *testing.T) {
			const n = 200
			stores := memory{map[string][]byte{guid: []byte(config)}, secrets{"k": {"v": "s"}}}
			r := resolver.New(resolver.Options{Configs: stores, Secrets: stores})
			kept := make([]*credential.Credential, n)
			estimate := 0
			before := heap()
			for i := range kept {
				var err error
				kept[i], err = r.Resolve(t.Context(), guid)
				require.NoError(t, err)
				estimate += credential.SizeOf(kept[i].Fields) + kept[i].Provenance.Size()
			}
			assert.Less(t, heap()-before, int64(estimate)*5/4)
			runtime.KeepAlive(kept)
		})
	}
}

// heap returns the number of heap bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestSharedTextIsWeighedOnce(t *testing.T) {
	config := `{"credentialSource":"agent","secret-path":"b",` + many(50, `"k"`) + `}`
	before := heap()
	finished, _, err := amplifier{config, secrets{"b": {"k": strings.Repeat("x", 64<<10), "l": ""}}}.resolve(t)
	require.NoError(t, err)
	assert.Less(t, heap()-before, int64(512<<10))
	assert.Greater(t, credential.SizeOf(finished.Fields), 50*64<<10)
	runtime.KeepAlive(finished)
}
