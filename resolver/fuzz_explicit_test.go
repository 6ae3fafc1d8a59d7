package resolver_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// FuzzReferenceText resolves an arbitrary text with references. The result must be an error
// without secrets, or the literals with secrets between them. An escaped text must resolve to
// itself.
func FuzzReferenceText(f *testing.F) {
	for _, seed := range []string{
		``, `${s}`, `a${s#k|json}b`, `$${s}`, `$$${s}`, `${s#k|urlquery|base64}`, `${`, `${}`, `${#}`, `${s#}`, `${s|}`,
		`${s${s}}`, `$${${s}`, `${ s}`, `}${s}{`, `${none}`, `${j}`, `${j#k|json}`, "${\xff}", "\u0000${s}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		stores := resolvertest.New(t)
		if !utf8.ValidString(s) {
			return // no config
		}
		resolve := func(s string) (string, error) {
			config := credential.NewObject(
				credential.Field{Name: "credential-resolver", Value: resolvertest.Value(t, `{"references":"explicit"}`)},
				credential.Field{Name: "a", Value: credential.StringValue(s)},
			)
			written, err := config.AppendJSON(nil)
			require.NoError(t, err)
			stores.Configs.Put(guid, string(written))
			finished, err := stores.Resolver().Resolve(t.Context(), guid)
			if err != nil {
				return "", err
			}
			v, _ := finished.Fields.Get("a")
			got, _ := v.Text()
			return got, nil
		}

		got, err := resolve(credential.EscapeReferences(s))
		require.NoError(t, err)
		require.Equal(t, s, got, "an escaped string resolves to itself")
		require.Empty(t, stores.Secrets.Asked())

		// The content of a secret is not parsed again. So the answer contains the hostile text
		// once per reference, and no error results from it.
		const hostile = "${none#none}$${"
		stores.Secrets.Put("s", map[string]string{"k": hostile})
		stores.Secrets.Put("j", map[string]string{"k": `{"${s}":"` + hostile + `"}`})
		got, err = resolve(s)
		if err != nil {
			var failure *credential.Error
			require.True(t, errors.As(err, &failure))
			require.True(t, failure.Kind == credential.FailedPrecondition || failure.Kind == credential.NotFound)
			require.True(t, strings.HasPrefix(failure.Reason, `its field "a" `), failure.Reason)
			return
		}
		if strings.Contains(s, "${s}") && !strings.Contains(s, "$${") {
			require.Contains(t, got, hostile)
		}
		if !strings.Contains(s, "${") {
			require.Equal(t, s, got)
		}
	})
}

// FuzzExplicitConfig resolves an arbitrary config. It must succeed, or fail with a kind that
// blames the config. A config without "$" and "secretKeyRef" must be answered unchanged.
func FuzzExplicitConfig(f *testing.F) {
	for _, seed := range append(objectSeeds(),
		`{"a":{"secretKeyRef":{"name":"s","key":"k","optional":true,"default":1}}}`, `{"a":[{"secretKeyRef":{"name":"n","optional":true}}]}`,
		`{"a":{"b":["${s#k}",1.0,{"c":"$${"}]},"d":"\u0024{s}"}`, `{"a":{"secretKeyRef":1,"b":2}}`, `{"a":{"\u0073ecretKeyRef":{"name":"s"}}}`,
		`{"a":{"b":"${s}","b":"${s}"}}`, `{"a":{"secretKeyRef":{"name":"j","key":"k"}},"b":"${j#l}${j}"}`) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		fields, err := credential.ParseObject(config)
		if err != nil || len(config) > 1<<16 {
			return
		}
		stores := resolvertest.New(t)
		stores.Secrets.Put("s", map[string]string{"k": canary.Secret})
		stores.Secrets.Put("j", map[string]string{"k": `{"l":"` + canary.Secret + `"}`})
		all := []credential.Field{}
		for name, v := range fields.All() {
			if name != credential.FieldOwn {
				all = append(all, credential.Field{Name: name, Value: v})
			}
		}
		plain := resolvertest.JSON(t, credential.NewObject(all...))
		all = append(all, credential.Field{Name: credential.FieldOwn, Value: resolvertest.Value(t, `{"references":"explicit"}`)})
		stores.Configs.Put(guid, resolvertest.JSON(t, credential.NewObject(all...)))

		finished, err := stores.Resolver().Resolve(t.Context(), guid)
		hasMarks := strings.Contains(plain, "$") || strings.Contains(plain, "secretKeyRef") || strings.Contains(plain, `\u`)
		if err != nil {
			require.True(t, hasMarks, "%v", err)
			require.Contains(t, []credential.Kind{credential.FailedPrecondition, credential.NotFound}, credential.KindOf(err))
			require.Nil(t, finished)
			return
		}
		if !hasMarks {
			require.Equal(t, plain, resolvertest.JSON(t, finished.Fields))
			require.Empty(t, stores.Secrets.Asked())
		}
		checkRoundTrip(t, finished.Fields)
	})
}
