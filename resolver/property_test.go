package resolver_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// The alphabets are small, and some letters occur several times, so that random values collide.
var (
	drawnTexts = rapid.SampledFrom([]string{
		"k", "l", "m", "k", "l", "m", "k", "l", "m", "n", "agent", "", "a b", "/k", "k?", "..", `{"k":"l"}`, `{k`,
	})
	drawnRaw = rapid.SampledFrom([]string{
		"true", "false", "0", "0.0", "12.50", "1e21", "12345678901234567", `["k"]`, `[]`,
	})
	drawnConfig  = drawnObject("user", "password", "host", "extra", "note", "k")
	drawnEntries = drawnObject("k", "l", "m", "n", "a b", "/k", "agent")
)

// drawnNames returns some of the names, in random order.
func drawnNames(t *rapid.T, names ...string) []string {
	return rapid.Permutation(names).Draw(t, "order")[:rapid.IntRange(0, len(names)).Draw(t, "number")]
}

// drawnObject generates an object with some of the names: a config or a secret's entries. Most
// values are strings.
func drawnObject(names ...string) *rapid.Generator[[]member] {
	return rapid.Custom(func(t *rapid.T) (members []member) {
		for _, name := range drawnNames(t, names...) {
			var value any
			switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
			case kind == 0:
				value = json.RawMessage(drawnRaw.Draw(t, name))
			case kind == 1: // null
			case kind <= 3 || name == "extra" && kind <= 7:
				var inner []member
				for _, name := range drawnNames(t, "k", "z", "y", "extra") {
					inner = append(inner, member{name, drawnTexts.Draw(t, name)})
				}
				value = inner
			default:
				value = drawnTexts.Draw(t, name)
			}
			members = append(members, member{name, value})
		}
		return members
	})
}

func TestSingleKeyMatchesTheReferenceModel(t *testing.T) {
	// More runs than usual: few cases have entries whose order matters, and they are fast.
	for range 10 {
		rapid.Check(t, func(rt *rapid.T) { checkSingleKey(t, rt) })
	}
}

func checkSingleKey(t *testing.T, rt *rapid.T) {
	config := drawnConfig.Draw(rt, "config")
	// The source may be at any position.
	at := rapid.IntRange(0, len(config)).Draw(rt, "place of the source")
	config = slices.Insert(config, at, member{"credentialSource", "agent"})

	stores := resolvertest.New(t)
	stores.Configs.Put(guid, jsonOf(config))
	held := map[string][]member{}
	for _, name := range []string{"k", "l", "m", "n", "a b", "/k", "k?", "..", "agent", guid} {
		if rapid.IntRange(0, 4).Draw(rt, "has "+name) > 0 {
			held[name] = drawnSecret(rt, stores, name)
		}
	}

	literal := drawnNames(rt, "user", "host", "extra", "k")
	want, asked, kind := referenceModel(config, held, literal)
	options := stores.Options()
	options.LiteralFields = literal
	credential, err := resolver.New(options).Resolve(t.Context(), guid)

	require.ElementsMatch(rt, asked, stores.Secrets.Asked())
	if kind != nil {
		require.ErrorIs(rt, err, kind)
		require.Nil(rt, credential)
		return
	}
	require.NoError(rt, err)
	require.Equal(rt, jsonOf(want), text(rt, credential.Fields.AsValue()))
}

// drawnSecret stores a random secret and returns the entries that it stands for: those of a
// JSON object, several texts that name their secret, or a single one.
func drawnSecret(rt *rapid.T, stores *resolvertest.Stores, name string) []member {
	switch rapid.IntRange(0, 3).Draw(rt, name+" is") {
	case 0:
		entries := drawnEntries.Draw(rt, name)
		stores.Secrets.Put(name, map[string]string{"json": jsonOf(entries)})
		return entries
	case 1:
		value := drawnTexts.Draw(rt, name)
		stores.Secrets.Put(name, map[string]string{"value": value})
		if value == `{"k":"l"}` {
			return []member{{"k", "l"}}
		}
		return []member{{"value", value}}
	default:
		var entries []member
		texts := map[string]string{}
		for _, entry := range drawnNames(rt, "k", "l", "m", "a b") {
			texts[entry] = entry + " of " + name
			if rapid.IntRange(0, 5).Draw(rt, entry) == 0 {
				texts[entry] = ""
			}
			entries = append(entries, member{entry, texts[entry]})
		}
		stores.Secrets.Put(name, texts)
		return entries
	}
}

func TestSubstitutionIsOnePassAndKeepsOrderAndInputs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		source := resolvertest.Parse(t, jsonOf(drawnConfig.Draw(rt, "source")))
		data := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "secrets")))
		got := checkSubstitution(rt, source, data)
		require.Equal(rt, text(rt, got.AsValue()), text(rt, credential.ResolveCredentials(source, data).AsValue()))
	})
}

// An answer stays unchanged when it is substituted into or converted to another object. The
// objects that it was built from stay unchanged too.
func TestAnswerSharesNoMutableState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		source := resolvertest.Parse(t, jsonOf(drawnConfig.Draw(rt, "source")))
		first := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "first")))
		second := resolvertest.Parse(t, jsonOf(drawnEntries.Draw(rt, "second")))

		once := credential.ApplySecretValues(source, first)
		before := text(rt, once.AsValue())
		twice := checkSubstitution(rt, once, second)
		checkSubstitution(rt, twice, first)
		names, values := fieldsOf(once)
		for i := range values {
			names[i], values[i] = "changed", credential.StringValue("changed")
		}
		require.Equal(rt, before, text(rt, once.AsValue()))
	})
}

func TestDirectBundleOverridesTheConfig(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config, entries := drawnConfig.Draw(rt, "config"), drawnEntries.Draw(rt, "bundle")
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, jsonOf(config))
		stores.Secrets.Put(guid, map[string]string{"json": jsonOf(entries)})

		want := config
		if len(nonEmpty(entries)) > 0 {
			want = modelOverlay(config, entries)
		}
		credential, err := stores.Resolver().Resolve(t.Context(), guid)
		require.NoError(rt, err)
		require.Equal(rt, jsonOf(want), text(rt, credential.Fields.AsValue()))
	})
}

// modelOverlay replaces the values of existing members and appends the other entries.
func modelOverlay(config, entries []member) []member {
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
