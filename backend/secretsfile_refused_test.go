package backend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// canary stands for a secret. Tests search texts for it.
const canary = "canary-54321098765432-value"

// optionsWithLog returns options that record the log, and a function that returns the log.
func optionsWithLog(t *testing.T) (opts store.Options, written func() string) {
	t.Helper()
	opts = silent(t)
	opts.Logger, written = openLog(t, logger.WarnLevel)
	return opts, written
}

// valueModes lists the two modes of a secrets file.
var valueModes = []string{"false", "true"}

// contrib would silently change or drop these values. Here they fail only the secret that
// contains them: other credentials resolve, and daprd starts.
func TestSecretThatCannotBeUsedFailsAlone(t *testing.T) {
	tests := map[string]struct {
		multiValued []string
		text        string // of the file, which also contains "fine"
		secret      string // with multiValued; otherwise its first entry
		flat        string
		names       []string // names that the remedy must contain
	}{
		"a number": {
			valueModes, `"store9":{"password":"` + canary + `","port":54321098765432}`, "store9", "store9:port", []string{`"port"`},
		},
		"a boolean": {
			valueModes, `"store9":{"password":"` + canary + `","tls":true}`, "store9", "store9:tls", []string{`"tls"`},
		},
		"a null": {
			valueModes, `"store9":{"password":"` + canary + `","user":null}`, "store9", "store9:user", []string{`"user"`},
		},
		"a number in a list": {
			valueModes, `"store9":{"keys":["` + canary + `",54321098765432]}`, "store9", "store9:keys:1", []string{`"keys:1"`},
		},
		"a number deep down": {
			valueModes, `"store9":{"a":{"b":[{"c":54321098765432}]}}`, "store9", "store9:a:b:0:c", []string{`"a:b:0:c"`},
		},
		"a number at the top": {valueModes, `"port":54321098765432`, "port", "port", nil},
		"a null at the top":   {valueModes, `"user":null`, "user", "user", nil},
		"a list at the top, which contrib drops": {
			[]string{"true"}, `"keys":["` + canary + `"]`, "keys", "", []string{"neither a string nor an object"},
		},
		"a duplicate name": {
			valueModes, `"store9":{"password":"` + canary + `","password":"x"}`, "store9", "store9:password", []string{"twice"},
		},
		"a duplicate secret": {
			valueModes, `"store9":"` + canary + `","t":"x","store9":"y"`, "store9", "store9", []string{"twice"},
		},
		"a duplicate object": {
			valueModes, `"store9":{"a":"` + canary + `"},"t":"x","store9":{"b":"y"}`, "store9", "store9:a", []string{"twice"},
		},
		"a duplicate name, once escaped": {
			valueModes, `"store9":{"a":"` + canary + `","\u0061":"x"}`, "store9", "store9:a", []string{"twice"},
		},
		"names that are equal when joined": {
			valueModes, `"store9":{"a:b":"` + canary + `","a":{"b":"x"}}`, "store9", "store9:a:b", []string{"two places"},
		},
		"top-level names that are equal when joined": {
			[]string{"false"}, `"a:b":"` + canary + `","a":{"b":"x"}`, "", "a:b", []string{"two places"},
		},
		"an element with the name of a field": {
			valueModes, `"store9":{"a:0":"` + canary + `","a":["x"]}`, "store9", "store9:a:0", []string{"two places"},
		},
	}
	for name, test := range tests {
		for _, multiValued := range test.multiValued {
			t.Run(name+", multiValued "+multiValued, func(t *testing.T) {
				secret := map[string]string{"true": test.secret, "false": test.flat}[multiValued]
				opts, written := optionsWithLog(t)
				secrets := openSecretsWith(t, secretSpec(localFile, fields{
					"secretsFile": tempFile(t, "secrets.json", `{`+test.text+`,"fine":"f"}`), "multiValued": multiValued,
				}), opts)
				require.Contains(t, written(), `secret \"`+secret+`\" of the file cannot be used`)
				got, err := secrets.Secret(within(t), "fine")
				require.NoError(t, err)
				require.Equal(t, fields{"fine": "f"}, got)

				_, err = secrets.Secret(within(t), secret)
				requireKind(t, credential.FailedPrecondition, err)
				remedy := credential.RemedyOf(err)
				require.Contains(t, remedy, "in the secrets file, ")
				for _, n := range test.names {
					if multiValued == "true" || n[0] != '"' {
						require.Contains(t, remedy, n)
					}
				}
				require.NotContains(t, remedy+written(), "canary")
				require.NotContains(t, remedy+written(), "54321098765432", "longer than the digits of a time in the log")
				if multiValued == "false" {
					require.NotContains(t, remedy, secret, "a secret's name may be a reference")
				}
			})
		}
	}
}

func TestSecretsOfTheFileThatCannotBeUsedAreNamedOnce(t *testing.T) {
	opts, written := optionsWithLog(t)
	path := tempFile(t, "secrets.json", `{"one":{"port":1,"password":"p"},"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}`)
	secrets := openSecretsWith(t, secretSpec(localFile, fields{"secretsFile": path, "multiValued": "true"}), opts)
	for range 2 {
		_, err := secrets.Secret(within(t), "one")
		requireKind(t, credential.FailedPrecondition, err)
	}
	require.Equal(t, 5, strings.Count(written(), "of the file cannot be used: "))
	require.Contains(t, written(), "2 more secrets of the file cannot be used")
	replaceFile(t, path, `{"one":{"port":"1"}}`)
	got, err := secrets.Secret(within(t), "one")
	require.NoError(t, err)
	require.Equal(t, fields{"port": "1"}, got)
}

func TestNestedSecretsFileWithoutMultiValuedGetsAHint(t *testing.T) {
	const hint = `if each object is one secret, set multiValued to \"true\"`
	for multiValued, hinted := range map[string]bool{"true": false, "false": true} {
		for text, nested := range map[string]bool{nestedSecrets: true, `{"a":"b","c":["d"]}`: false} {
			opts, written := optionsWithLog(t)
			openSecretsWith(t, secretSpec(localFile, fields{
				"secretsFile": tempFile(t, "secrets.json", text), "multiValued": multiValued,
			}), opts)
			require.Equal(t, hinted && nested, strings.Contains(written(), hint), written())
		}
	}
}

func TestSecretsFileMayBeginWithAByteOrderMark(t *testing.T) {
	secrets := openSecrets(t, localFile, fields{"secretsFile": tempFile(t, "secrets.json", "\ufeff{\"a\":\"b\"}")})
	requireSecret(t, secrets, "b")
	for _, text := range []string{"\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}", "{\x00}\x00"} {
		require.Contains(t, refusedSecrets(t, localFile, fields{"secretsFile": tempFile(t, "secrets.json", text)}),
			"the secrets file is UTF-16: save it as UTF-8")
	}
}

func TestSecretsFileThatIsNotJSONIsRefusedWithItsLine(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
	}{
		"a missing comma":          {"{\n\t\"a\": \"" + canary + "\"\n\t\"b\": \"c\"\n}", "line 3"},
		"a missing end":            {"{\n\"a\": \"" + canary + "\"\n", "line 3"},
		"an unterminated string":   {"{\"a\": \"" + canary, "line 1"},
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
		for _, multiValued := range valueModes {
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
	secrets := openSecrets(t, localFile, fields{"secretsFile": tempFile(t, "secrets.json", text)})
	_, err := secrets.Secret(within(t), "a:b")
	requireKind(t, credential.FailedPrecondition, err)
}

func TestIrregularSecretsFileIsRefused(t *testing.T) {
	for _, path := range []string{t.TempDir(), "/dev/null"} {
		require.Contains(t, refusedSecrets(t, localFile, fields{"secretsFile": path}), "not a regular file")
	}
	require.Contains(t, refusedSecrets(t, localFile, nil),
		"secretStore.secretsFile is missing: name the JSON file")
}
