package resolver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// lookedUp resolves a single-key credential with a value whose secret exists, and reports
// whether the store was asked for it. It checks that the answer is the secret if the store was
// asked, and the value itself if not.
func lookedUp(t *testing.T, value string, named func(*resolvertest.Secrets) resolver.SecretStore) bool {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"credentialSource": "agent", "user": "app-user", "password": value,
		"extra": map[string]string{"token": value},
	})
	require.NoError(t, err)
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, string(config))
	stores.Secrets.Put("app-user", map[string]string{"app-user": "admin"})
	stores.Secrets.Put(value, map[string]string{"entry": "s3cret"})
	options := stores.Options()
	options.Secrets = named(stores.Secrets)

	credential, err := resolver.New(options).Resolve(t.Context(), guid)

	require.NoError(t, err)
	v, _ := credential.Fields.Get("password")
	password, _ := v.Text()
	extra, _ := credential.Fields.Get("extra")
	inner, _ := extra.Object()
	v, _ = inner.Get("token")
	token, _ := v.Text()
	assert.Equal(t, password, token, "a value means the same in extra")
	asked := stores.Secrets.Asked()
	if len(asked) == 1 {
		assert.Equal(t, []string{"app-user"}, asked)
		assert.Equal(t, value, password, "the value must stay a literal")
		return false
	}
	assert.ElementsMatch(t, []string{"app-user", value}, asked)
	assert.Equal(t, "s3cret", password)
	return true
}

func plain(s *resolvertest.Secrets) resolver.SecretStore { return s }

// Section 4, step 5: values that cannot be names.
func TestInvalidNamesAreNeverSentToAStore(t *testing.T) {
	for name, value := range map[string]string{
		"empty":                                 "",
		"one space":                             " ",
		"several blanks":                        " \t ",
		"over 512 bytes":                        strings.Repeat("x", 513),
		"over 512 bytes, in fewer characters":   strings.Repeat("é", 257),
		"a space in it":                         "correct horse",
		"a space before it":                     " name",
		"a space behind it":                     "name ",
		"a tab":                                 "a\tb",
		"a line feed":                           "a\nb",
		"a certificate":                         certificate,
		"a line feed at its end":                "name\n",
		"a carriage return":                     "a\rb",
		"a vertical tab":                        "a\vb",
		"NUL":                                   "a\x00b",
		"escape":                                "a\x1bb",
		"delete":                                "a\x7fb",
		"a C1 control":                          "a\u0080b",
		"next line":                             "a\u0085b",
		"a no-break space":                      "a\u00a0b",
		"an ogham space":                        "a\u1680b",
		"an en quad":                            "a\u2000b",
		"a hair space":                          "a\u200ab",
		"a line separator":                      "a\u2028b",
		"a paragraph separator":                 "a\u2029b",
		"a narrow no-break space":               "a\u202fb",
		"a mathematical space":                  "a\u205fb",
		"an ideographic space":                  "a\u3000b",
		"a .. segment alone":                    "..",
		"a .. segment first":                    "../name",
		"a .. segment last":                     "name/..",
		"a .. segment between":                  "a/../b",
		"a question mark":                       "name?version=1",
		"a number sign":                         "name#key",
		"a per cent sign":                       "name%2f",
		"a backslash":                           `a\b`,
		"a leading slash":                       "/name",
		"a slash alone":                         "/",
		"two leading slashes":                   "//name",
		"a URL with a query, as in an endpoint": "https://example.com/?a=b",
	} {
		t.Run(name, func(t *testing.T) {
			assert.False(t, lookedUp(t, value, plain))
		})
	}
}

func TestValidNamesAreLookedUp(t *testing.T) {
	for name, value := range map[string]string{
		"a word":                           "password",
		"one character":                    "x",
		"512 bytes":                        strings.Repeat("x", 512),
		"512 bytes in fewer characters":    strings.Repeat("é", 256),
		"slashes between":                  "prod/db/password",
		"a slash at its end":               "prod/",
		"two slashes between":              "prod//db",
		"dots between":                     "a..b",
		"dots at the start of a segment":   "a/..b",
		"dots at the end of a segment":     "a../b",
		"three dots":                       "...",
		"one dot":                          "a/./b",
		"an ARN":                           "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1B2c3",
		"other punctuation":                "a:b@c=d&e+f,g;h!i$j*k(l)m'n~o|p^q{r}[s]<t>\"u`v",
		"letters of other alphabets":       "пароль-密码",
		"an emoji, of two UTF-16 units":    "🔑",
		"digits":                           "12345",
		"a host":                           "db.example.com",
		"a URL without a query":            "https://example.com/a",
		"what looks like JSON's own words": "null",
	} {
		t.Run(name, func(t *testing.T) {
			assert.True(t, lookedUp(t, value, plain))
		})
	}
}

func TestStoreGrammarExcludesNames(t *testing.T) {
	short := func(name string) bool { return len(name) <= 8 }
	grammar := func(slash bool) func(*resolvertest.Secrets) resolver.SecretStore {
		return func(s *resolvertest.Secrets) resolver.SecretStore { return s.Named(short, slash) }
	}
	for _, row := range []struct {
		name, value string
		slash, want bool
	}{
		{"a name that it allows is looked up", "shorter", false, true},
		{"a name that it excludes is not", "much-longer", false, false},
		{"a leading slash, if the store allows it", "/name", true, true},
		{"two leading slashes, if the store allows them", "//name", true, true},
		{"a leading slash, if the store does not allow it", "/name", false, false},
		{"its grammar also applies behind a leading slash", "/much-longer", true, false},
		{"it cannot allow a .. segment", "/..", true, false},
		{"it cannot allow a space", "a b", true, false},
		{"it cannot allow a question mark", "a?b", true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, lookedUp(t, row.value, grammar(row.slash)))
		})
	}
}

func TestBundleWithInvalidNameIsMissing(t *testing.T) {
	none := func(string) bool { return false }
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{guid: {"a": "wrong"}, "p": {"k": "wrong"}})
	options := stores.Options()
	options.Secrets = stores.Secrets.Named(none, true)
	r := resolver.New(options)

	stores.Configs.Put(guid, `{"a":"k"}`)
	assert.Equal(t, `{"a":"k"}`, answer(t, r), "direct: the config is unchanged")

	stores.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"p","a":"k"}`)
	failure := failed(t, r)
	assert.Equal(t, credential.FailedPrecondition, failure.Kind)
	assert.Equal(t, `its "secret-path" is a name that no secret of its store can have`, failure.Reason)
	assertRedactedError(t, failure)
	assert.Empty(t, stores.Secrets.Asked())
}

// Section 4, "Stated names": the rules for lookups do not apply.
func TestExplicitNameIsSentUnchanged(t *testing.T) {
	for _, name := range []string{
		"Prod DB", " ", " name ", "a\nb", "a?b", "a#b", "50%", `a\b`, "/a", "../a", "a/./b", "ключ 🔑", strings.Repeat("long", 200), "a|b", "{}",
	} {
		t.Run(name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Secrets.Put(name, map[string]string{"k": "s3cret"})
			options := stores.Options()
			options.Allowed = func(asked string) bool { return asked == name }
			stated, err := json.Marshal(name)
			require.NoError(t, err)

			path := `"secret-path":` + string(stated)
			stores.Configs.Put(guid, `{"credentialSource":"agent",`+path+`,"a":"k"}`)
			assert.JSONEq(t, `{"credentialSource":"agent",`+path+`,"a":"s3cret"}`, answer(t, resolver.New(options)))

			stores.Configs.Put(guid, explicitly(`"a":{"secretKeyRef":{"name":`+string(stated)+`}}`))
			assert.Equal(t, `{"a":"s3cret"}`, answer(t, resolver.New(options)))
			assert.Equal(t, []string{name, name}, stores.Secrets.Asked())
		})
	}
}
