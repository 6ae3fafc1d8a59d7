package componentfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/componentfile"
)

func TestMetadataValuesAreWhatDaprdHandsOn(t *testing.T) {
	tests := map[string]struct{ value, want string }{
		"a word":                        {"state.sqlite", "state.sqlite"},
		"a number":                      {"5", "5"},
		"a number in quotes":            {`"5"`, "5"},
		"a fraction":                    {"0.5", "0.5"},
		"a boolean":                     {"true", "true"},
		"a boolean in quotes":           {`"true"`, "true"},
		"a boolean of YAML 1.1":         {"yes", "true"},
		"an object":                     {"{host: db, port: 5432}", `{"host":"db","port":5432}`},
		"a list":                        {"[a, 1]", `["a",1]`},
		"a null":                        {"null", ""},
		"the empty string":              {`""`, ""},
		"nothing":                       {"", ""},
		"a duration":                    {"10s", "10s"},
		"a template":                    {`"myapp||{guid}"`, "myapp||{guid}"},
		"characters that JSON escapes":  {`"<a&b>\n\"é😀\""`, "<a&b>\n\"é😀\""},
		"a string that looks like JSON": {`'{"a":1}'`, `{"a":1}`},
		"a string in quotes of its own": {`'"a"'`, `"a"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, ours("name: x\n    value: "+test.value))
			require.NoError(t, err)
			require.Equal(t, map[string]string{"x": test.want}, got)
		})
	}
}

func TestComponentMayBeOneOfSeveralDocuments(t *testing.T) {
	text := "# what daprd needs\n---\n" + component("pubsub.redis", "pubsub", "name: x\n    value: wrong") +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n---\n\n---\n" +
		ours("name: configStore\n    value: state.sqlite", "name: secretStore\n    value: b") +
		"---\nkind: Configuration\nspec:\n  type: " + componentfile.Type + "\n"
	got, err := load(t, text)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"configStore": "state.sqlite", "secretStore": "b"}, got)
}

func TestComponentMayBeWrittenInJSON(t *testing.T) {
	got, err := load(t, `{"kind": "Component", "spec": {"type": "secretstores.credential-resolver",
		"metadata": [{"name": "storeTimeout", "value": "1s"}]}}`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"storeTimeout": "1s"}, got)
}

func TestComponentMayHaveNoMetadata(t *testing.T) {
	got, err := load(t, "kind: Component\nspec:\n  type: secretstores.credential-resolver\n")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestFileMustHoldOneComponentOfOurType(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no Component": {
			component("secretstores.local.file", "s", "name: secretsFile\n    value: "+canary.Secret),
			"holds no Component of type secretstores.credential-resolver",
		},
		"nothing":       {"", "holds no Component of type"},
		"only comments": {"# kind: Component\n", "holds no Component of type"},
		"two Components": {
			ours("name: x\n    value: "+canary.Secret) + "---\n" + ours("name: y\n    value: b"),
			"holds 2 Components of type secretstores.credential-resolver: put each into its own file",
		},
		"something other than a Component": {"kind: [" + canary.Secret, "is not a Component"},
		"a name that the parser repeats":   {"kind: *" + canary.Secret, "is not a Component"},
		"a list of words":                  {"- " + canary.Secret, "is not a Component"},
		"metadata that is not a list": {
			"kind: Component\nspec:\n  type: x\n  metadata: " + canary.Secret, "is not a Component",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.text)
			require.ErrorContains(t, err, "credentials.yaml "+test.want)
			require.NotContains(t, err.Error(), canary.Secret)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestMissingFileIsReported(t *testing.T) {
	_, err := componentfile.Load(filepath.Join(t.TempDir(), "mistyped.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "mistyped.yaml")
}

func TestEnvRefIsTakenFromTheEnvironment(t *testing.T) {
	t.Setenv("CR_TEST_FILE", "secrets.json")
	got, err := load(t, ours("name: a\n    envRef: CR_TEST_FILE", "name: b\n    envRef: CR_TEST_NOT_SET"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "secrets.json", "b": ""}, got)
}

func TestVariablesOfDaprdAreNotPassedOn(t *testing.T) {
	for _, variable := range []string{"DAPR_API_TOKEN", "APP_API_TOKEN", "dapr_api_token", "App_Api_Token"} {
		t.Setenv(variable, canary.Secret)
		got, err := load(t, ours("name: a\n    envRef: "+variable))
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": ""}, got, variable)
	}
}

func TestPlaceholdersAreReplacedAsDaprdDoes(t *testing.T) {
	t.Setenv("APP_ID", "myapp")
	t.Setenv("POD_NAME", "myapp-0")
	got, err := load(t, ours(`name: configKey`+"\n    "+`value: "{appID}||{podName}||{guid}||{appID}"`))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"configKey": "myapp||myapp-0||{guid}||myapp"}, got)
}

func TestPlaceholderThatCannotBeKnownIsRefusedWithTheRemedy(t *testing.T) {
	for _, variable := range []string{"APP_ID", "NAMESPACE", "POD_NAME"} {
		t.Setenv(variable, "")
	}
	tests := map[string][]string{
		"{appID}":     {"environment variable APP_ID"},
		"{namespace}": {"environment variable NAMESPACE"},
		"{podName}":   {"environment variable POD_NAME"},
		"{uuid}":      {"is different in each daprd"},
	}
	for placeholder, words := range tests {
		t.Run(placeholder, func(t *testing.T) {
			_, err := load(t, ours(`name: configKey`+"\n    "+`value: "`+placeholder+`||{guid}"`))
			require.ErrorContains(t, err, "credentials.yaml: metadata configKey: ")
			require.ErrorContains(t, err, placeholder)
			for _, w := range words {
				require.ErrorContains(t, err, w)
			}
		})
	}
}
