package resolver_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// The alphabets are small, so that what is drawn collides.
var (
	drawnTexts  = rapid.SampledFrom([]string{"k", "l", "m", "n", "o", "agent", "", "a b", "/k", "k?", "..", `{"k":"l"}`, `{k`})
	drawnValues = rapid.OneOf(
		rapid.Map(drawnTexts, func(s string) any { return s }),
		rapid.Map(drawnTexts, func(s string) any { return s }), // twice: most values are texts
		rapid.Map(rapid.SampledFrom([]string{"true", "false", "0", "0.0", "12.50", "1e21", "12345678901234567", `["k"]`, `[]`}),
			func(s string) any { return json.RawMessage(s) }),
		rapid.Just[any](nil),
		rapid.Map(drawnMembers(drawnTexts, "k", "z", "extra"), func(m []member) any { return m }),
	)
)

// drawnMembers are members of some of the names, in any order, all of them texts.
func drawnMembers(values *rapid.Generator[string], names ...string) *rapid.Generator[[]member] {
	return rapid.Custom(func(t *rapid.T) (members []member) {
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, len(names), rapid.ID).Draw(t, "names") {
			members = append(members, member{name, values.Draw(t, name)})
		}
		return members
	})
}

// drawnObject is an object of any values, for a config or the entries of a secret.
func drawnObject(names ...string) *rapid.Generator[[]member] {
	return rapid.Custom(func(t *rapid.T) (members []member) {
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, len(names), rapid.ID).Draw(t, "names") {
			members = append(members, member{name, drawnValues.Draw(t, name)})
		}
		return members
	})
}

var (
	drawnConfig  = drawnObject("user", "password", "host", "extra", "note", "k")
	drawnEntries = drawnObject("k", "l", "m", "n", "o", "a b", "/k", "agent")
)

func TestSingleKeyIsWhatANaiveReaderMakesOfIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := drawnConfig.Draw(rt, "config")
		// The source's place in the config is drawn too: it takes part in the order.
		at := rapid.IntRange(0, len(config)).Draw(rt, "place of the source")
		config = append(config[:at:at], append([]member{{"credentialSource", "agent"}}, config[at:]...)...)

		stores := resolvertest.New(t)
		stores.Configs.Put(guid, jsonOf(config))
		held := map[string][]member{}
		for _, name := range []string{"k", "l", "m", "n", "o", "a b", "/k", "k?", "..", "agent", guid} {
			if !rapid.Bool().Draw(rt, "has "+name) {
				continue
			}
			held[name] = drawSecret(rt, stores, name)
		}

		want, asked, kind := naive(config, held)
		credential, err := stores.Resolver().Resolve(t.Context(), guid)

		assert.ElementsMatch(rt, asked, stores.Secrets.Asked())
		if kind != nil {
			require.ErrorIs(rt, err, kind)
			require.Nil(rt, credential)
			return
		}
		require.NoError(rt, err)
		require.Equal(rt, jsonOf(want), text(rt, credential.Fields.AsValue()))
	})
}

// drawSecret puts a secret into the store, as one JSON object or as texts, and
// returns the entries that it stands for.
func drawSecret(rt *rapid.T, stores *resolvertest.Stores, name string) []member {
	if rapid.Bool().Draw(rt, name+" is an object") {
		entries := drawnEntries.Draw(rt, name)
		stores.Secrets.Put(name, map[string]string{"json": jsonOf(entries)})
		return entries
	}
	entries := drawnMembers(drawnTexts, "k", "l", "m", "a b", "value").Draw(rt, name)
	texts := map[string]string{}
	for _, e := range entries {
		texts[e.name], _ = e.value.(string)
	}
	stores.Secrets.Put(name, texts)
	if len(entries) == 1 && texts[entries[0].name] == `{"k":"l"}` {
		return []member{{"k", "l"}}
	}
	return entries
}

func TestSubstitutionIsOnePassAndKeepsOrderAndInputs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		source := resolvertest.Parse(t, jsonOf(drawnConfig.Draw(rt, "source")))
		data := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "secrets")))
		got := checkSubstitution(rt, source, data)
		require.Equal(rt, text(rt, got.AsValue()), text(rt, resolver.ResolveCredentials(source, data).AsValue()))
	})
}

// A result that is substituted into, or made into another object, stays what it
// was, and so does what it was made from.
func TestAnAnswerSharesNothingThatCanChange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		source := resolvertest.Parse(t, jsonOf(drawnConfig.Draw(rt, "source")))
		first := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "first")))
		second := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "second")))

		once := resolver.ApplySecretValues(source, first)
		before := text(rt, once.AsValue())
		twice := checkSubstitution(rt, once, second)
		checkSubstitution(rt, twice, first)
		names, values := fieldsOf(once)
		for i := range values {
			names[i], values[i] = "changed", resolver.StringValue("changed")
		}
		require.Equal(rt, before, text(rt, once.AsValue()))
	})
}

func TestADirectCredentialIsItsConfigUnderItsBundle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config, entries := drawnConfig.Draw(rt, "config"), drawnEntries.Draw(rt, "bundle")
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, jsonOf(config))
		stores.Secrets.Put(guid, map[string]string{"json": jsonOf(entries)})

		want := config
		if len(nonEmpty(entries)) > 0 {
			want = naiveOverlay(config, entries)
		}
		credential, err := stores.Resolver().Resolve(t.Context(), guid)
		require.NoError(rt, err)
		require.Equal(rt, jsonOf(want), text(rt, credential.Fields.AsValue()))
	})
}

// naiveOverlay lays entries over the members of the same name; others come last.
func naiveOverlay(config, entries []member) []member {
	out := append([]member(nil), config...)
next:
	for _, e := range entries {
		for i := range out {
			if out[i].name == e.name {
				out[i].value = e.value
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}
