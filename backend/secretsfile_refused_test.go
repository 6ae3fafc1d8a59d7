package backend_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// canary stands for a secret wherever a test looks for one that got out.
const canary = "canary-5432-value"

// both are the two modes of a secrets file.
var both = []string{"false", "true"}

func TestSecretsFileIsRefusedWhatContribWouldChangeWithoutAWord(t *testing.T) {
	tests := map[string]struct {
		multiValued []string
		text        string
		names       []string // what the error names, to be found by
	}{
		"a number": {
			both, `{"s":{"password":"` + canary + `","port":5432}}`, []string{"port"},
		},
		"a boolean": {
			both, `{"s":{"password":"` + canary + `","tls":true}}`, []string{"tls"},
		},
		"a null": {
			both, `{"s":{"password":"` + canary + `","user":null}}`, []string{"user"},
		},
		"a number in a list": {
			both, `{"s":{"keys":["` + canary + `",5432]}}`, []string{"keys:1"},
		},
		"a number deep down": {
			both, `{"s":{"a":{"b":[{"c":5432}]}}}`, []string{"a:b:0:c"},
		},
		"a number at the top of a flat file": {
			[]string{"false"}, `{"password":"` + canary + `","port":5432}`, []string{`"port"`},
		},
		"a number at the top, which would be left out": {
			[]string{"true"}, `{"port":5432}`, []string{`"port"`, "neither a string nor an object"},
		},
		"a list at the top, which would be left out": {
			[]string{"true"}, `{"keys":["` + canary + `"]}`, []string{`"keys"`},
		},
		"a null at the top, which would be left out": {
			[]string{"true"}, `{"user":null}`, []string{`"user"`},
		},
		"a name that stands twice": {
			both, `{"s":{"password":"` + canary + `","password":"x"}}`, []string{"password", "twice"},
		},
		"a secret that stands twice": {
			both, `{"s":"` + canary + `","t":"x","s":"y"}`, []string{"/s", "twice"},
		},
		"a name that stands twice, once escaped": {
			both, `{"s":{"a":"` + canary + `","\u0061":"x"}}`, []string{"/s/a", "twice"},
		},
		"names that become the same when they are joined": {
			both, `{"s":{"a:b":"` + canary + `","a":{"b":"x"}}}`, []string{"a:b", "two places"},
		},
		"names at the top that become the same when they are joined": {
			[]string{"false"}, `{"a:b":"` + canary + `","a":{"b":"x"}}`, []string{`"a:b"`, "two places"},
		},
		"an element that has the name of a field": {
			both, `{"s":{"a:0":"` + canary + `","a":["x"]}}`, []string{"a:0", "two places"},
		},
	}
	for name, test := range tests {
		for _, multiValued := range test.multiValued {
			t.Run(name+", multiValued "+multiValued, func(t *testing.T) {
				text := refusedSecrets(t, localFile, fields{
					"secretsFile": tempFile(t, "secrets.json", test.text), "multiValued": multiValued,
				})
				require.Contains(t, text, "secretStore (secretstores.local.file): ")
				for _, n := range test.names {
					require.Contains(t, text, n)
				}
				require.NotContains(t, text, "canary")
				require.NotContains(t, text, "5432")
			})
		}
	}
}

func TestSecretsFileThatIsNotJSONIsRefusedWithItsLine(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
	}{
		"a comma that is missing":  {"{\n\t\"a\": \"" + canary + "\"\n\t\"b\": \"c\"\n}", "line 3"},
		"an end that is missing":   {"{\n\"a\": \"" + canary + "\"\n", "line 3"},
		"a string that is torn":    {"{\"a\": \"" + canary, "line 1"},
		"YAML":                     {"a: " + canary, "line 1"},
		"bytes that are not UTF-8": {"{\n\"a\": \"" + canary + "\xff\"}", "line 2"},
		"nothing":                  {"", "empty"},
		"white space":              {" \n", "empty"},
		"a list":                   {`["` + canary + `"]`, "not a JSON object"},
		"a string":                 {`"` + canary + `"`, "not a JSON object"},
		"a null":                   {"null", "not a JSON object"},
		"two objects":              {"{}\n{\"a\":\"" + canary + "\"}", "not valid JSON"},
	}
	for name, test := range tests {
		for _, multiValued := range both {
			t.Run(fmt.Sprintf("%s, multiValued %s", name, multiValued), func(t *testing.T) {
				text := refusedSecrets(t, localFile, fields{
					"secretsFile": tempFile(t, "secrets.json", test.text), "multiValued": multiValued,
				})
				require.Contains(t, text, "the secrets file is ")
				require.Contains(t, text, test.want)
				require.NotContains(t, text, "canary")
			})
		}
	}
}

func TestSecretsFileMayHaveNamesThatOnlyLookTheSame(t *testing.T) {
	const text = `{"a:b":"1","a":{"b":"2"},"A":{"b":"3"}}`
	openSecrets(t, localFile, fields{
		"secretsFile": tempFile(t, "secrets.json", text), "nestedSeparator": ".",
	})
	openSecrets(t, localFile, fields{
		"secretsFile": tempFile(t, "secrets.json", text), "multiValued": "true",
	})
	require.Contains(t, refusedSecrets(t, localFile, fields{
		"secretsFile": tempFile(t, "secrets.json", text),
	}), `"a:b"`)
}

func TestSecretsFileThatIsNoFileIsRefused(t *testing.T) {
	for _, path := range []string{t.TempDir(), "/dev/null"} {
		require.Contains(t, refusedSecrets(t, localFile, fields{"secretsFile": path}), "not a regular file")
	}
	require.Contains(t, refusedSecrets(t, localFile, nil),
		"secretStore.secretsFile is missing: name the JSON file")
}
