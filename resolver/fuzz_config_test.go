package resolver_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// FuzzParseConfig checks ParseConfig against the rules of section 4, steps 1 to 3, applied to
// what encoding/json reads. A config that is written and parsed again must mean the same.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range objectSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := credential.ParseConfig(text)
		names, values, isObject := stdlibObject(bytes.TrimPrefix(text, []byte("\ufeff")))
		require.Equal(t, isObject && len(text) <= 1<<20, err == nil)
		if err != nil {
			require.Nil(t, c)
			require.ErrorIs(t, err, credential.FailedPrecondition)
			require.NotErrorIs(t, err, credential.Internal)
			return
		}
		checkMeaning(t, values, c)

		var kept []string
		for _, name := range names {
			if name != credential.FieldOwn {
				kept = append(kept, name)
			}
		}
		var got []string
		for name, v := range c.Fields.All() {
			got = append(got, name)
			sameValue(t, values[name], v)
		}
		require.Equal(t, kept, got, "all fields except ours, in order")
		checkRoundTrip(t, c.Fields)

		rest := resolvertest.JSON(t, c.Fields)[1:]
		if c.Fields.Len() > 0 {
			rest = "," + rest
		}
		block, err := credential.ParseConfig([]byte(`{"credential-resolver":{}` + rest))
		require.NoError(t, err)
		require.Equal(t, resolvertest.JSON(t, c.Fields), resolvertest.JSON(t, block.Fields), "the same config with our field first")

		again, err := credential.ParseConfig([]byte(resolvertest.JSON(t, c.Fields)))
		require.NoError(t, err)
		require.Equal(t, c.Source, again.Source)
		require.Equal(t, c.SourceUnknown, again.SourceUnknown)
		require.Equal(t, c.SecretPath, again.SecretPath)
		require.Equal(t, c.Mode(), again.Mode())
		if c.Check() == nil {
			require.NoError(t, again.Check())
		}
	})
}

// checkMeaning checks steps 2 and 3, and what Check rejects.
func checkMeaning(t *testing.T, values map[string]json.RawMessage, c *credential.Config) {
	t.Helper()
	field := func(name string) any {
		raw, ok := values[name]
		if !ok {
			return nil
		}
		return decoded(t, raw)
	}
	source, path, own := field("credentialSource"), field("secret-path"), field("credential-resolver")
	block, ownIsObject := own.(map[string]any)
	if block["references"] == "explicit" && len(block) == 1 {
		require.True(t, c.Explicit)
		require.False(t, c.SourceUnknown, "an unexpected unknown source")
		return
	}
	require.False(t, c.Explicit && len(block) == 0)
	pathText, pathIsText := path.(string)
	agent := source == "agent"
	require.Equal(t, agent, c.Source == credential.SourceAgent)
	require.Equal(t, !agent, c.Source == credential.SourceDirect)
	require.Equal(t, source != nil && source != "agent" && source != "direct", c.SourceUnknown)
	if path == nil || pathIsText { // if Check rejects the config, it has no path and no mode
		require.Equal(t, pathText, c.SecretPath)
		require.Equal(t, !agent || pathText != "", c.Mode() == credential.MultiKey)
	}

	fine := (path == nil || pathIsText) && (own == nil || ownIsObject && len(block) == 0)
	require.Equal(t, fine, c.Check() == nil, "%v", c.Check())
}
