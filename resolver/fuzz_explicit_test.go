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

// FuzzReferenceText: a string with references is an error that tells nothing, or
// becomes its literals with secrets between them; escaped, any string is itself.
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
		require.Equal(t, s, got, "escaped, a string is itself")
		require.Empty(t, stores.Secrets.Asked())

		// What a secret holds is not read again: an answer has as many of the text
		// as there are references, and no error comes of it.
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

// FuzzExplicitConfig: whatever a config is, it resolves or fails by a kind that is
// the config's fault; without a dollar and a secretKeyRef it is answered as it is.
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
		fixpoint(t, finished.Fields)
	})
}
