package componentfile_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/componentfile"
)

// reference returns a metadata item that refers to a secret.
func reference(name, key string) string {
	item := "name: secretStore.token\n    secretKeyRef:\n      name: " + name
	if key != "" {
		item += "\n      key: " + key
	}
	return item
}

func TestSecretIsTakenFromTheEnvironment(t *testing.T) {
	tests := map[string]struct{ name, key, variable string }{
		"by its name and key":                    {"vault", "token", "VAULT_TOKEN"},
		"with other characters replaced":         {"vault-prod.eu", "root/token", "VAULT_PROD_EU_ROOT_TOKEN"},
		"with the name twice if there is no key": {"vault-token", "", "VAULT_TOKEN_VAULT_TOKEN"},
		"with characters beyond ASCII replaced":  {"schlüssel", "k1", "SCHL_SSEL_K1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(test.variable, "s3cret")
			got, err := load(t, ours(reference(test.name, test.key)))
			require.NoError(t, err)
			require.Equal(t, map[string]string{"secretStore.token": "s3cret"}, got)
		})
	}
}

func TestSecretOfTheEnvironmentMayBeEmpty(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "")
	got, err := load(t, ours(reference("vault", "token")))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"secretStore.token": ""}, got)
}

// folder writes a folder with a Component of ours and two secret stores. The Component refers
// to a secret of the store that auth names.
func folder(t *testing.T, auth string, metadata ...string) string {
	t.Helper()
	secrets := write(t, map[string]string{
		"bundles.json": `{"vault": {"token": "from-bundles", "other": "o"}, "plain": "from-bundles"}`,
		"flat.json":    `{"vault": "from-flat", "only-flat": "from-flat", "empty": "", "nested": {"key": "n"}}`,
	})
	files := map[string]string{
		"credentials.yaml": ours(metadata...) + auth,
		"a-readme.yaml":    "this: [is no Component",
		"a-list.yml":       "- a\n- b\n",
		"bundles.yaml": component("secretstores.local.file", "bundles",
			"name: secretsFile\n    value: "+filepath.Join(secrets, "bundles.json"), "name: multiValued\n    value: true"),
		"flat.yml": component("state.redis", "redis", "name: redisHost\n    value: h") + "---\n" +
			component("secretstores.local.file", "flat", "name: secretsFile\n    value: "+filepath.Join(secrets, "flat.json")),
	}
	return filepath.Join(write(t, files), "credentials.yaml")
}

func TestSecretIsTakenFromAStoreInTheSameFolder(t *testing.T) {
	tests := map[string]struct{ auth, name, key, want string }{
		"from any store if none is named":                {"", "vault", "token", "from-bundles"},
		"from the store that has it":                     {"", "only-flat", "", "from-flat"},
		"from the store that has it, empty":              {"", "empty", "", ""},
		"from the one that has the key":                  {"", "vault", "vault", "from-flat"},
		"from the named store":                           {"auth:\n  secretStore: flat\n", "vault", "vault", "from-flat"},
		"from the named store, with the name as the key": {"auth:\n  secretStore: flat\n", "vault", "", "from-flat"},
		"from the named store, nested":                   {"auth:\n  secretStore: flat\n", "nested:key", "", "n"},
		"from the other store":                           {"auth:\n  secretStore: bundles\n", "vault", "other", "o"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := componentfile.Load(folder(t, test.auth, reference(test.name, test.key)))
			require.NoError(t, err)
			require.Equal(t, map[string]string{"secretStore.token": test.want}, got)
		})
	}
}

func TestEnvironmentComesBeforeTheStores(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "from-environment")
	got, err := componentfile.Load(folder(t, "", reference("vault", "token")))
	require.NoError(t, err)
	require.Equal(t, "from-environment", got["secretStore.token"])
}

func TestSecretThatIsNowhereIsAnErrorWithTheRemedy(t *testing.T) {
	tests := map[string]struct{ auth, name, key, variable string }{
		"no such secret":                   {"", "missing", "token", "MISSING_TOKEN"},
		"no such key of it":                {"", "vault", "missing", "VAULT_MISSING"},
		"not in the named store":           {"auth:\n  secretStore: flat\n", "vault", "token", "VAULT_TOKEN"},
		"the named store does not exist":   {"auth:\n  secretStore: missing\n", "vault", "token", "VAULT_TOKEN"},
		"no key, and no entry of its name": {"auth:\n  secretStore: bundles\n", "vault", "", "VAULT_VAULT"},
		"another letter's case":            {"", "Vault", "Token", "VAULT_TOKEN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := componentfile.Load(folder(t, test.auth, reference(test.name, test.key)))
			require.ErrorContains(t, err, "credentials.yaml: metadata secretStore.token: ")
			require.ErrorContains(t, err, "set the environment variable "+test.variable)
			require.ErrorContains(t, err, "secretstores.local.file")
		})
	}
}

func TestUnreadableStoreInTheFolderIsAnError(t *testing.T) {
	tests := map[string]struct{ file, text, want string }{
		"its file is missing":    {"missing.json", "", "no such file or directory"},
		"its file is not JSON":   {"secrets.json", `{"` + canary.Secret, "not valid JSON: line 1"},
		"the secret is a number": {"secrets.json", `{"a":"` + canary.Secret + `","vault":5432}`, `secret "vault" of the secret store in the same folder: in the`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secrets := write(t, map[string]string{"secrets.json": test.text})
			path := filepath.Join(write(t, map[string]string{
				"credentials.yaml": ours(reference("vault", "token")),
				"secrets.yaml": component("secretstores.local.file", "s",
					"name: secretsFile\n    value: "+filepath.Join(secrets, test.file)),
			}), "credentials.yaml")
			_, err := componentfile.Load(path)
			require.ErrorContains(t, err, "credentials.yaml: metadata secretStore.token: ")
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), canary.Secret)
		})
	}
}

func TestComponentFileIsFoundFromTheFolderItIsIn(t *testing.T) {
	path := folder(t, "", reference("vault", "token"))
	t.Chdir(filepath.Dir(path))
	got, err := componentfile.Load("credentials.yaml")
	require.NoError(t, err)
	require.Equal(t, "from-bundles", got["secretStore.token"])
}
