package backend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

const localEnv = "secretstores.local.env"

func TestEnvironmentNeedsAPrefix(t *testing.T) {
	for _, f := range []fields{nil, {"prefix": ""}, {"Prefix": ""}} {
		text := refusedSecrets(t, localEnv, f)
		require.Contains(t, text, "secretStore.prefix is missing")
		require.Contains(t, text, "set a prefix", "the remedy")
	}
}

func TestVariableIsASecret(t *testing.T) {
	t.Setenv("SECRET_DB", "s3cret")
	t.Setenv("SECRET_Db", "another case")
	t.Setenv("SECRET_EMPTY", "")
	t.Setenv("DB", "without the prefix")
	store := openSecrets(t, localEnv, fields{"PREFIX": "SECRET_"})
	for name, want := range map[string]string{"DB": "s3cret", "Db": "another case"} {
		got, err := store.Secret(within(t), name)
		require.NoError(t, err)
		require.Equal(t, fields{name: want}, got)
	}
}

// For a variable that is not set, contrib returns one empty entry, as for an empty variable.
// The resolver treats a secret without a non-empty entry as missing.
func TestVariableThatIsNotSetHasNoEntries(t *testing.T) {
	t.Setenv("SECRET_EMPTY", "")
	store := openSecrets(t, localEnv, fields{"prefix": "SECRET_"})
	for _, name := range []string{"NEVER_SET", "EMPTY", "db"} {
		got, err := store.Secret(within(t), name)
		require.NoError(t, err)
		for _, value := range got {
			require.Empty(t, value)
		}
	}
}

func TestVariableThatIsNotSetIsMissingToTheResolver(t *testing.T) {
	t.Setenv("SECRET_DB", "s3cret")
	configs := openConfigs(t, "state.in-memory", nil)
	resolve := resolver.New(resolver.Options{
		Configs: configs, Secrets: openSecrets(t, localEnv, fields{"prefix": "SECRET_"}),
	}).Resolve
	put := func(config string) {
		require.NoError(t, configs.Put(within(t), guid, []byte(config)))
	}

	put(`{"credentialSource":"agent","password":"DB","user":"NEVER_SET","token":"DAPR_TOKEN"}`)
	finished, err := resolve(within(t), guid)
	require.NoError(t, err)
	require.Equal(t, `{"credentialSource":"agent","password":"s3cret","user":"NEVER_SET","token":"DAPR_TOKEN"}`,
		asJSON(t, finished))

	put(`{"credentialSource":"agent","secret-path":"NEVER_SET","password":"p"}`)
	_, err = resolve(within(t), guid)
	require.Equal(t, credential.NotFound, credential.KindOf(err))
}

func asJSON(t *testing.T, finished *credential.Credential) string {
	t.Helper()
	text, err := finished.Fields.AppendJSON(nil)
	require.NoError(t, err)
	return string(text)
}

func TestNamesOfVariables(t *testing.T) {
	tests := map[string]struct {
		prefix, name string
		want         bool
	}{
		"a name":                                {"SECRET_", "DB", true},
		"a name in small letters":               {"SECRET_", "db-password", true},
		"a name with an equals sign":            {"SECRET_", "A=B", false},
		"a name with a zero":                    {"SECRET_", "A\x00", false},
		"daprd's own variable":                  {"D", "APR_API_TOKEN", false},
		"daprd's own variable by the prefix":    {"DAPR_", "API_TOKEN", false},
		"daprd's own variable in small letters": {"dapr_", "api_token", false},
		"the token of the application":          {"APP_", "API_TOKEN", false},
		"the same in small letters":             {"app_", "api_Token", false},
		"a longer name":                         {"APP_", "API_TOKEN_2", true},
		"daprd's name behind another prefix":    {"SECRET_", "DAPR_API_TOKEN", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := openSecrets(t, localEnv, fields{"prefix": test.prefix})
			require.Equal(t, test.want, store.ValidName(test.name))
			require.False(t, store.LeadingSlash())
		})
	}
}

func TestNameThatContribRefusesIsNotRead(t *testing.T) {
	t.Setenv("DAPR_API_TOKEN", canary)
	store := openSecrets(t, localEnv, fields{"prefix": "D"})
	got, err := store.Secret(within(t), "APR_API_TOKEN")
	require.NoError(t, err)
	require.Empty(t, got["APR_API_TOKEN"])
}
