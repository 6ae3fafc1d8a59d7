package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// budget is the most bytes that a credential may have: the largest message that daprd accepts.
const budget = 4 << 20

// amplifier is a small config with secrets that would resolve to a very large credential.
type amplifier struct {
	config  string
	secrets secrets
}

// resolve resolves the credential. It also returns the number of allocated bytes.
func (a amplifier) resolve(t *testing.T) (finished *credential.Credential, allocated uint64, err error) {
	t.Helper()
	require.LessOrEqual(t, len(a.config), credential.MaxConfigSize)
	stores := memory{map[string][]byte{guid: []byte(a.config)}, a.secrets}
	r := resolver.New(resolver.Options{Configs: stores, Secrets: stores, Timeout: time.Hour})
	defer r.Close()
	allocated = resolvertest.Allocated(func() { finished, err = r.Resolve(t.Context(), guid) })
	return finished, allocated, err
}

// marks is the start of a config with explicit references.
const marks = `{"credential-resolver":{"references":"explicit"},`

// many returns n fields with the same value.
func many(n int, value string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"f%d":%s`, i, value)
	}
	return strings.TrimPrefix(text.String(), ",")
}

func amplifiers() map[string]amplifier {
	entry := func(size int) secrets { return secrets{"b": {"k": strings.Repeat("x", size), "l": "y"}} }
	deep := strings.Repeat(`{"a":`, 9000)
	all := map[string]amplifier{
		"20,000 fields of extra that name one entry": {
			`{"credentialSource":"agent","secret-path":"b","extra":{` + many(20_000, `"k"`) + `}}`, entry(64 << 10),
		},
		"fields that name one entry": {`{"credentialSource":"agent","secret-path":"b",` + many(20_000, `"k"`) + `}`, entry(64 << 10)},
		"fields that name a secret": {
			`{"credentialSource":"agent",` + many(20_000, `"b"`) + `}`, secrets{"b": {"b": strings.Repeat("x", 64<<10)}},
		},
		"an entry that is an object": {
			`{"credentialSource":"agent","secret-path":"b","extra":{` + many(20_000, `"k"`) + `}}`,
			secrets{"b": {"v": `{"k":{"a":["` + strings.Repeat("x", 64<<10) + `"]}}`}},
		},
		"an entry of escapes": {
			`{"credentialSource":"agent","secret-path":"b","extra":{` + many(1000, `"k"`) + `}}`,
			secrets{"b": {"k": strings.Repeat("\x00", 1000)}},
		},
		"a direct bundle that is large":   {`{"a":1}`, secrets{guid: {"k": strings.Repeat("x", 16<<20)}}},
		"references in one text":          {marks + `"a":"` + strings.Repeat("${b#k}", 97_500) + `"}`, entry(4 << 10)},
		"references by the only entry":    {marks + `"a":"` + strings.Repeat("${b}", 97_500) + `"}`, secrets{"b": {"k": strings.Repeat("x", 4<<10)}}},
		"references as values":            {marks + `` + many(10_000, `{"secretKeyRef":{"name":"b","key":"k"}}`) + `}`, entry(64 << 10)},
		"references in a list":            {marks + `"a":[0` + strings.Repeat(`,{"secretKeyRef":{"name":"b","key":"k"}}`, 20_000) + `]}`, entry(64 << 10)},
		"deeply nested references":        {marks + `"a":` + deep + `["` + strings.Repeat("${b#k}", 10_000) + `"]` + strings.Repeat("}", 9000) + `}`, entry(4 << 10)},
		"a chain of filters that grow":    {marks + `"a":"${b#k` + strings.Repeat("|json", 1000) + `}"}`, secrets{"b": {"k": `\`}}},
		"a chain of filters that keep":    {marks + `"a":"${b#k` + strings.Repeat("|urlquery", 100_000) + `}"}`, entry(64 << 10)},
		"filters of a JSON object's text": {marks + `"a":"` + strings.Repeat("${b#k|json}", 50_000) + `"}`, secrets{"b": {"v": `{"k":["` + strings.Repeat("x", 64<<10) + `"]}`}}},
	}
	for _, filter := range []string{"urlquery", "json", "base64"} {
		all["references filtered by "+filter] = amplifier{
			marks + `"a":"` + strings.Repeat("${b#k|"+filter+"}", 30_000) + `"}`, entry(64 << 10),
		}
	}
	return all
}

// Without a budget, these configs used gigabytes of memory and crashed the process.
func TestAmplifyingConfigsExceedTheBudget(t *testing.T) {
	for name, a := range amplifiers() {
		t.Run(name, func(t *testing.T) {
			finished, allocated, err := a.resolve(t)
			require.ErrorIs(t, err, credential.TooLarge)
			require.ErrorContains(t, err, `credential "`+guid+`": with its secrets it is larger than the runtime's limit of 4 MiB`)
			require.ErrorContains(t, err, "fewer or smaller secrets", "the remedy")
			assert.Nil(t, finished)
			assert.Less(t, allocated, uint64(120<<20), "all allocations, most of them freed again")
		})
	}
}

// The budget counts the shorter of the two answer formats. One byte more than the budget is
// refused. A null costs nothing, because a flat answer omits it.
func TestBudgetCountsTheShortestEncoding(t *testing.T) {
	text := func(size int) string { return strings.Repeat("x", size) }
	for name, tc := range map[string]struct {
		config  string
		secrets func(left int) secrets
		size    int // of the names and texts, without the padding
	}{
		"an agent's bundle": {
			`{"credentialSource":"agent","secret-path":"b","a":"k","n":null}`,
			func(left int) secrets { return secrets{"b": {"k": text(left)}} },
			len("credentialSource" + "agent" + "secret-path" + "b" + "a"),
		},
		"an entry in extra": {
			`{"credentialSource":"agent","secret-path":"b","extra":{"a":"k","b":"q","n":null}}`,
			func(left int) secrets { return secrets{"b": {"k": text(left), "q": "\"\x01é"}} },
			len("credentialSource" + "agent" + "secret-path" + "b" + "extra" + `{"a":"","b":"\"\u0001é","n":null}`),
		},
		"a secret": {
			`{"credentialSource":"agent","a":"s","m":12.50}`,
			func(left int) secrets { return secrets{"s": {"v": text(left)}} },
			len("credentialSource" + "agent" + "a" + "m" + "12.50"),
		},
		"direct": {
			`{"a":"k"}`,
			func(left int) secrets { return secrets{guid: {"o": `{"a":"` + text(left) + `","b":null}`}} },
			len("a"),
		},
		"a reference": {
			marks + `"a":{"secretKeyRef":{"name":"s","key":"k"}}}`,
			func(left int) secrets { return secrets{"s": {"k": text(left)}} },
			len("a"),
		},
		"a reference in a text": {
			marks + `"a":"<${s}>","n":null}`,
			func(left int) secrets { return secrets{"s": {"k": text(left)}} },
			len("a" + "<>"),
		},
		"a reference in a list": {
			marks + `"a":[null,0.0,"${s}\"",{"secretKeyRef":{"name":"o","optional":true}},` +
				`{"x":{"secretKeyRef":{"name":"o","optional":true}},"y":{}}]}`,
			func(left int) secrets { return secrets{"s": {"k": text(left)}} },
			len("a" + `[null,0.0,"\"",null,{"y":{}}]`),
		},
		"a filter": {
			marks + `"a":"${s|json}${p|base64|urlquery}"}`,
			func(left int) secrets { return secrets{"s": {"k": text(left)}, "p": {"k": "a"}} },
			len("a" + `""` + "YQ%3D%3D"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			finished, _, err := amplifier{tc.config, tc.secrets(budget - tc.size)}.resolve(t)
			require.NoError(t, err)
			require.Equal(t, budget, shortest(t, finished.Fields))
			_, _, err = amplifier{tc.config, tc.secrets(budget - tc.size + 1)}.resolve(t)
			require.ErrorIs(t, err, credential.TooLarge)
		})
	}
}

// shortest returns the length of a credential's names and texts.
func shortest(t *testing.T, o credential.Object) int {
	size := 0
	for name, v := range o.All() {
		if v.Kind() != credential.NullKind {
			text, err := v.AsText()
			require.NoError(t, err)
			size += len(name) + len(text)
		}
	}
	return size
}

func TestPartOfASecretOverTheBudgetIsUsable(t *testing.T) {
	large := secrets{"b": {"k": strings.Repeat("x", 8<<20), "l": "y"}}
	finished, _, err := amplifier{`{"credentialSource":"agent","secret-path":"b","a":"l"}`, large}.resolve(t)
	require.NoError(t, err)
	require.Equal(t, `{"credentialSource":"agent","secret-path":"b","a":"y"}`, resolvertest.JSON(t, finished.Fields))
}

// The pure functions share the substituted values. So their results use no more memory for
// large values than for small ones.
func TestSubstitutedValuesShareMemory(t *testing.T) {
	config := resolvertest.Parse(t, `{"extra":{`+many(5000, `"k"`)+`},`+many(5000, `"k"`)+`}`)
	with := func(size int) uint64 {
		data := credential.NewObject(credential.Field{Name: "k", Value: credential.StringValue(strings.Repeat("x", size))})
		return resolvertest.Allocated(func() { credential.ResolveCredentials(config, data) })
	}
	small, large := with(1), with(1<<20)
	require.InDelta(t, small, large, float64(small)/10)
}

// The size is computed without the encoding.
func TestSizesMatchTheEncoding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawnMade(t, rt, rapid.String(), 2)
		made, err := o.AppendJSON(nil)
		require.NoError(rt, err)
		require.Equal(rt, len(made), o.JSONSize())
		for _, v := range o.All() {
			made, err := v.AppendJSON(nil)
			require.NoError(rt, err)
			require.Equal(rt, len(made), v.JSONSize())
			text, err := v.AsText()
			require.NoError(rt, err)
			require.Equal(rt, len(text), v.TextSize())
		}
	})
	for r := range rune(0x3000) { // contains every character that is escaped, and many others
		if s := string(r); utf8.ValidString(s) {
			made, err := credential.StringValue(s).AppendJSON(nil)
			require.NoError(t, err)
			require.Equal(t, len(made), credential.StringValue(s).JSONSize(), "%q", s)
		}
	}
}

// drawnMade returns an object of strings, parsed JSON values and objects built in Go.
func drawnMade(t *testing.T, rt *rapid.T, texts *rapid.Generator[string], depth int) credential.Object {
	var fields []credential.Field
	for range rapid.IntRange(0, 4).Draw(rt, "fields") {
		f := credential.Field{Name: texts.Draw(rt, "name")}
		switch rapid.IntRange(0, 3).Draw(rt, "kind") {
		case 0: // null
		case 1:
			f.Value = resolvertest.Value(t, rapid.SampledFrom([]string{`[1,"\u0000"]`, "12.50", "true", `{"a":null}`}).Draw(rt, "JSON"))
		case 2:
			f.Value = credential.StringValue(texts.Draw(rt, "text"))
		case 3:
			if depth > 0 {
				f.Value = drawnMade(t, rt, texts, depth-1).AsValue()
			}
		}
		fields = append(fields, f)
	}
	return credential.NewObject(fields...)
}
