package resolver_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// told returns each failure as "kind: store/reference, reason", with "?" for a looked-up value.
func told(t *testing.T, failures []resolver.Failure) []string {
	t.Helper()
	var texts []string
	for _, failure := range failures {
		require.Equal(t, guid, failure.Err.GUID)
		text := failure.Err.Kind.Error() + ": "
		if failure.Err.Reference != "" {
			text += failure.Store + "/" + string(failure.Err.Reference)
			if failure.LookedUp {
				text += "?"
			}
			text += ", "
		}
		texts = append(texts, text+failure.Err.Reason)
	}
	return texts
}

func TestDiagnosisHasEachFailure(t *testing.T) {
	held := secrets{"s": {"k": "v"}, "several": {"a": "1", "b": "2"}, "pw": {"value": "p"}}
	for name, row := range map[string]struct {
		config string
		change func(*resolver.Options)
		want   []string
	}{
		"no object":      {config: `[]`, want: []string{"failed precondition: its config is not a JSON object"}},
		"secret-path":    {config: `{"secret-path":1}`, want: []string{`failed precondition: its "secret-path" is neither a string nor null`}},
		"a bundle":       {config: `{"credentialSource":"agent","secret-path":"gone","a":"b"}`, want: []string{`not found: /gone, there is no secret under its "secret-path"`}},
		"a denied one":   {config: `{"credentialSource":"agent","secret-path":"denied"}`, want: []string{"denied: /denied, the secret store refused the request"}},
		"unknown stores": {config: `{"credential-resolver":{"secretStore":"none"}}`, want: []string{`failed precondition: "secretStore" in its "credential-resolver" is not in the Component's secretStores`}},
		"references": {
			config: explicitly(`"a":"${gone}","b":["${s}",{"x":{"secretKeyRef":{"name":"s","key":"none"}}}],"c":"${gone}","d":"${denied}","d2":"${denied#k}","e":"${several}",` +
				`"f":{"secretKeyRef":{"name":"x.y","store":"other"}},"g":{"secretKeyRef":{"name":"gone","store":"other"}},"h":{"secretKeyRef":{"name":"gone","optional":true}}`),
			want: []string{
				`not found: /gone, its field "a" refers to a secret that does not exist`,
				`not found: /s, its field "b[1].x" refers to an entry that its secret does not have`,
				`not found: /gone, its field "c" refers to a secret that does not exist`,
				`denied: /denied, the secret store refused the request (its field "d" refers to it)`,
				`failed precondition: its field "e" refers to a secret with several entries, but names none of them`,
				`failed precondition: other/x.y, its field "f" refers to a name that no secret of its store can have`,
				`not found: other/gone, its field "g" refers to a secret that does not exist`,
			},
		},
		"references that are not allowed": {
			config: explicitly(`"a":"${gone}","b":"${s}"`),
			change: func(o *resolver.Options) { o.Allowed = func(name string) bool { return name == "s" } },
			want:   []string{`denied: /gone, its field "a" asks for a secret that metadata allowedSecrets does not allow`},
		},
		"too many references": {
			config: explicitly(`"a":"${gone}","b":"${s}"`), change: func(o *resolver.Options) { o.MaxSecrets = 1 },
			want: []string{"failed precondition: it may ask for more than 1 secrets (metadata maxSecrets): raise maxSecrets, " +
				`or mark its references with "lookupFields" or as explicit references`},
		},
		"looked-up values": {
			config: `{"credentialSource":"agent","a":"denied","b":"pw","c":"none","extra":{"d":"denied","e":"hidden"}}`,
			change: func(o *resolver.Options) { o.Allowed = func(name string) bool { return name != "hidden" } },
			want: []string{
				`denied: /denied?, the secret store refused the request (its field "a" refers to it)`,
				`denied: /hidden?, its field "extra.e" asks for a secret that metadata allowedSecrets does not allow`,
			},
		},
		"looked-up values that may be refused": {
			config: `{"credentialSource":"agent","a":"denied","b":"hidden"}`,
			change: func(o *resolver.Options) {
				o.DeniedIsLiteral, o.Allowed = true, func(name string) bool { return name != "hidden" }
			},
			want: []string{"failed precondition: none of its fields names a secret that the secret store has " +
				`(metadata "unresolved: allow" returns such a credential unchanged)`},
		},
		"too many values": {
			config: `{"credentialSource":"agent","a":"denied","b":"pw"}`, change: func(o *resolver.Options) { o.MaxSecrets = 1 },
			want: []string{"failed precondition: it may ask for more than 1 secrets (metadata maxSecrets): raise maxSecrets, " +
				`or mark its references with "lookupFields" or as explicit references`},
		},
		"a value that fails only as a whole": {
			config: explicitly(`"a":"${big}${big}${big}"`), want: []string{"too large: with its secrets it is larger than " +
				"the runtime's limit of 4 MiB, even if only some fields are requested: refer to fewer or smaller secrets, or split it into several credentials"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stores, other := resolvertest.New(t), resolvertest.New(t)
			stores.Secrets.PutAll(held)
			stores.Secrets.Put("big", map[string]string{"v": strings.Repeat("x", 2<<20)})
			stores.Secrets.Before("denied", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied}))
			opts := asks(stores, other)
			if row.change != nil {
				row.change(&opts)
			}
			r := resolver.New(opts)
			t.Cleanup(r.Close)
			d := r.Diagnose(t.Context(), guid, []byte(row.config))
			assert.Nil(t, d.Credential)
			assert.Equal(t, row.want, told(t, d.Failures))
			assert.Equal(t, name != "no object", d.Config != nil)

			stores.Configs.Put(guid, row.config)
			_, err := r.Resolve(t.Context(), guid)
			var first *credential.Error
			require.ErrorAs(t, err, &first)
			assert.Contains(t, kindsOf(d.Failures), first.Kind, "a resolution fails with one of them")
		})
	}
}

func kindsOf(failures []resolver.Failure) []credential.Kind {
	var kinds []credential.Kind
	for _, failure := range failures {
		kinds = append(kinds, failure.Err.Kind)
	}
	return kinds
}

func TestDiagnosisIsTheResolution(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("pw", map[string]string{"value": "p"})
	r := stores.Resolver()
	t.Cleanup(r.Close)
	d := r.Diagnose(t.Context(), guid, []byte(`{"credentialSource":"agent","a":"pw","b":"none"}`))
	require.Empty(t, d.Failures)
	assert.JSONEq(t, `{"credentialSource":"agent","a":"p","b":"none"}`, resolvertest.JSON(t, d.Credential.Fields))
	assert.Equal(t, credential.SingleKey, d.Config.HowReferred())
	assert.Equal(t, []string{"found pw", "missing none"}, usesIn(d.Credential.Provenance))
}

// An outage must be visible, because it says nothing about the config.
func TestDiagnosisKeepsAnOutage(t *testing.T) {
	stores := resolvertest.New(t)
	down := &credential.StoreError{Kind: credential.Unavailable, Err: errors.New("down")}
	stores.Secrets.Before(resolvertest.Any, resolvertest.Fail(down))
	r := stores.Resolver()
	t.Cleanup(r.Close)
	for _, config := range []string{`{}`, `{"credentialSource":"agent","a":"x"}`, explicitly(`"a":"${x}"`)} {
		d := r.Diagnose(t.Context(), guid, []byte(config))
		require.Len(t, d.Failures, 1, config)
		require.ErrorIs(t, d.Failures[0].Err, credential.Unavailable)
		require.ErrorIs(t, d.Failures[0].Err, down)
	}
}
