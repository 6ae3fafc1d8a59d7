package resolver_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// countingStore is a secret store that counts its calls, including the calls of ValidName.
type countingStore struct {
	memory

	calls *atomic.Int64
}

func (c countingStore) Secret(ctx context.Context, name string) (map[string]string, error) {
	c.calls.Add(1)
	return c.memory.Secret(ctx, name)
}

func (c countingStore) ValidName(string) bool { c.calls.Add(1); return true }

func (countingStore) LeadingSlash() bool { return false }

// work is the cost of a resolution: calls to a store, allocations, and allocated bytes.
type work struct{ calls, allocations, bytes uint64 }

// resolving returns a function that measures the work to resolve a config.
func resolving(config string, held secrets, change ...func(*resolver.Options)) func(t *testing.T) work {
	return func(t *testing.T) (w work) {
		t.Helper()
		require.LessOrEqual(t, len(config), credential.MaxConfigSize)
		var calls atomic.Int64
		stores := countingStore{memory{map[string][]byte{guid: []byte(config)}, held}, &calls}
		opts := resolver.Options{
			Configs: stores, Secrets: stores, MaxSecrets: 1 << 20, AllowUnresolved: true, Timeout: time.Hour,
			Allowed: func(string) bool { calls.Add(1); return true },
		}
		for _, f := range change {
			f(&opts)
		}
		r := resolver.New(opts)
		defer r.Close()
		w.allocations = resolvertest.Allocations(func() {
			w.bytes = resolvertest.Allocated(func() {
				_, err := r.Resolve(t.Context(), guid)
				require.NoError(t, err)
			})
		})
		w.calls = uint64(calls.Load())
		return w
	}
}

// doing returns a function that measures the work of f.
func doing(f func()) func(*testing.T) work {
	return func(*testing.T) (w work) {
		w.allocations = resolvertest.Allocations(func() { w.bytes = resolvertest.Allocated(f) })
		return w
	}
}

// growing returns inputs by name, each as a function of its size.
func growing(t *testing.T) map[string]func(n int) func(*testing.T) work {
	entries := func(n int, value string) map[string]string {
		held := map[string]string{"k": "v"}
		for i := range n {
			held[fmt.Sprint("e", i)] = value
		}
		return held
	}
	agent := func(rest string) string { return `{"credentialSource":"agent",` + rest + `}` }
	bundle := func(rest string) string { return agent(`"secret-path":"b",` + rest) }
	nested := func(n int, inner string) string { return strings.Repeat(`{"a":`, n) + inner + strings.Repeat("}", n) }
	return map[string]func(n int) func(*testing.T) work{
		"values that cannot be names": func(n int) func(*testing.T) work {
			return resolving(agent(distinct(n, `"no name %d"`)[1:]), secrets{})
		},
		"values that are looked up": func(n int) func(*testing.T) work {
			return resolving(agent(distinct(n, `"name-%d"`)[1:]), secrets{})
		},
		"lookupFields": func(n int) func(*testing.T) work {
			fields := make([]string, n)
			for i := range fields {
				fields[i] = fmt.Sprint("g", i)
			}
			return resolving(agent(distinct(n, `"name-%d"`)[1:]), secrets{}, func(o *resolver.Options) { o.LookupFields = fields })
		},
		"lookupFields of a config": func(n int) func(*testing.T) work {
			return resolving(`{"credentialSource":"agent","credential-resolver":{"lookupFields":["x"`+strings.Repeat(`,"xyz"`, n)+`]}`+
				distinct(n, `"name-%d"`)+`}`, secrets{})
		},
		"keys of extra": func(n int) func(*testing.T) work {
			return resolving(bundle(`"extra":{"a":"k"`+distinct(n, "%d")+`}`), secrets{"b": {"k": "v"}})
		},
		"one value, and the entries of its secret": func(n int) func(*testing.T) work {
			return resolving(agent(many(n, `"b"`)), secrets{"b": entries(n, "v")})
		},
		"entries of a bundle": func(n int) func(*testing.T) work { return resolving(bundle(`"a":"k"`), secrets{"b": entries(n, "v")}) },
		"entries of a direct bundle": func(n int) func(*testing.T) work {
			return resolving(`{"a":1}`, secrets{guid: entries(n, "v")})
		},
		"fields of a secret that is an object": func(n int) func(*testing.T) work {
			return resolving(bundle(`"a":"k"`), secrets{"b": {"o": `{"k":"v"` + distinct(n, `{"a":%d}`) + `}`}})
		},
		"the size of an entry": func(n int) func(*testing.T) work {
			return resolving(bundle(`"a":"k"`), secrets{"b": {"k": strings.Repeat("x", 16*n), "l": ""}})
		},
		"references": func(n int) func(*testing.T) work {
			return resolving(marks+many(n, `"<${b#k}>"`)+`}`, secrets{"b": {"k": "v"}})
		},
		"references to distinct secrets": func(n int) func(*testing.T) work {
			held := secrets{}
			for i := range n {
				held[fmt.Sprint("s", i)] = map[string]string{"k": "v"}
			}
			return resolving(marks+distinct(n, `"${s%d}"`)[1:]+`}`, held)
		},
		"references in one text": func(n int) func(*testing.T) work {
			return resolving(marks+`"a":"`+strings.Repeat("${b#k}${b#l|json}", n)+`"}`, secrets{"b": {"k": "v", "l": "v"}})
		},
		"references that name no entry": func(n int) func(*testing.T) work {
			held := entries(n, "")
			return resolving(marks+many(n, `{"secretKeyRef":{"name":"b"}}`)+`}`, secrets{"b": held})
		},
		"a chain of filters": func(n int) func(*testing.T) work {
			return resolving(marks+`"a":"${b#k`+strings.Repeat("|urlquery", n)+`}"}`, secrets{"b": {"k": "v"}})
		},
		"depth": func(n int) func(*testing.T) work {
			return resolving(bundle(`"a":"k","b":`+nested(n, "1")), secrets{"b": {"k": "v"}})
		},
		"depth of a reference": func(n int) func(*testing.T) work {
			return resolving(marks+`"a":`+nested(n, `"${b#k}"`)+`}`, secrets{"b": {"k": "v"}})
		},
		"references at every depth": func(n int) func(*testing.T) work {
			return resolving(marks+`"a":`+strings.Repeat(`["${b#k}",`, n)+"0"+strings.Repeat("]", n)+`}`, secrets{"b": {"k": "v"}})
		},
		"duplicate names": func(n int) func(*testing.T) work {
			return resolving(bundle(many(n, `"k"`)+`,`+many(n, `"k"`)), secrets{"b": {"k": "v"}})
		},
		"escapes": func(n int) func(*testing.T) work {
			return resolving(marks+`"a":"`+strings.Repeat(`\u0000$${`, n)+`","b":["`+strings.Repeat(`\u0000`, n)+`${b#k}"]}`, secrets{"b": {"k": "v"}})
		},
		"paths into an object": func(n int) func(*testing.T) work {
			o := resolvertest.Parse(t, `{"extra":{`+distinct(n, "%d")[1:]+`}}`)
			paths := make([]string, n)
			for i := range paths {
				paths[i] = fmt.Sprint("extra.f", i)
			}
			return doing(func() {
				p, _, ok := o.Pick(paths)
				require.True(t, ok)
				p.Object()
			})
		},
		"an object, and the levels of a path": func(n int) func(*testing.T) work {
			o := resolvertest.Parse(t, nested(n, "1"))
			return doing(func() {
				_, ok := o.Find(strings.TrimSuffix(strings.Repeat("a.", n), "."))
				require.True(t, ok)
			})
		},
	}
}

// Doubling the input must at most double time and memory.
func TestDoublingTheInputDoublesTheWork(t *testing.T) {
	const most, fixed = 2.6, 64 << 10
	for name, of := range growing(t) {
		t.Run(name, func(t *testing.T) {
			const n = 4000
			of(n / 8)(t) // warm up, so that lazy initialisation is not measured
			once, twice := of(n)(t), of(2*n)(t)
			assert.LessOrEqual(t, float64(twice.calls), 2*float64(once.calls)+1, "calls")
			assert.LessOrEqual(t, float64(twice.allocations), most*float64(once.allocations)+1000, "allocations")
			assert.LessOrEqual(t, float64(twice.bytes), most*float64(once.bytes)+fixed, "bytes")
		})
	}
}

// Work that costs time but no memory is not visible above. If the work here were the product of
// two long inputs, the test would exceed go test's timeout.
func TestTwoLongInputsTakeLinearTime(t *testing.T) {
	const n = 30_000
	t.Run("fields and lookupFields", func(t *testing.T) {
		fields := make([]string, 200_000)
		for i := range fields {
			fields[i] = fmt.Sprint("g", i)
		}
		fields = append(fields, "f1")
		resolving(`{"credentialSource":"agent",`+many(n, `"x"`)+`}`, secrets{"x": {"k": "v"}},
			func(o *resolver.Options) { o.LookupFields = fields })(t)
	})
	large := map[string]string{"k": "v"}
	for i := range 100_000 {
		large[fmt.Sprint("e", i)] = ""
	}
	t.Run("values and the entries of their secret", func(t *testing.T) {
		resolving(`{"credentialSource":"agent",`+many(n, `"x"`)+`}`, secrets{"x": large})(t)
	})
	t.Run("references and the entries of their secret", func(t *testing.T) {
		resolving(marks+`"a":"`+strings.Repeat("${x}-${x|json}", n)+`"}`, secrets{"x": large})(t)
	})
}
