package component_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
)

func TestAnUnknownNameIsRefusedWithTheNearest(t *testing.T) {
	cases := map[string]string{
		"configstore":     "configStore",
		"CONFIGKEY":       "configKey",
		"secretstore":     "secretStore",
		"Environment":     "environment",
		"enviroment":      "environment",
		"request_timeout": "requestTimeout",
		"storeTimeOut":    "storeTimeout",
		"reponseFormat":   "responseFormat",
		"unresolvd":       "unresolved",
		"configStore.":    "configStore",
		"alowBulk":        "allowBulk",
		"allowedSecret":   "allowedSecrets",
	}
	for name, nearest := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := component.ParseMetadata(enough(map[string]string{name: canary.Secret}))
			require.ErrorContains(t, err, "metadata "+name+`: is unknown (did you mean "`+nearest+`"?)`)
			require.ErrorContains(t, err, "secretStore.<field>", "the error must list the known names")
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestAFieldOfAStoreInTheWrongCaseIsRefusedWithTheRightOne(t *testing.T) {
	cases := map[string]string{
		"configstore.connectionString": "configStore.connectionString",
		"ConfigStore.rootPath":         "configStore.rootPath",
		"SECRETSTORE.secretsFile":      "secretStore.secretsFile",
		"secretStor.secretsFile":       "secretStore.secretsFile",
	}
	for name, nearest := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := component.ParseMetadata(enough(map[string]string{name: canary.Secret}))
			require.ErrorContains(t, err, `did you mean "`+nearest+`"?`)
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestANameThatIsLikeNoOtherIsRefusedWithoutAGuess(t *testing.T) {
	_, err := component.ParseMetadata(enough(map[string]string{"zzz": canary.Secret}))
	require.ErrorContains(t, err, "metadata zzz: is unknown; the names are")
	canary.AssertNone(t, err.Error())
}

func TestTheNamesThatDaprdActsOnAreRefusedWithTheRemedy(t *testing.T) {
	cases := map[string]string{
		"keyPrefix":              "configKey",
		"keyprefix":              "configKey",
		"primaryEncryptionKey":   "not readable outside daprd",
		"secondaryEncryptionKey": "not readable outside daprd",
		"actorStateStore":        "remove it",
	}
	for name, remedy := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := component.ParseMetadata(enough(map[string]string{name: canary.Secret}))
			require.ErrorContains(t, err, "metadata "+name+": cannot be set")
			require.ErrorContains(t, err, remedy)
			canary.AssertNone(t, err.Error())

			_, err = newFileStores(t).init(map[string]string{"configStore.rootPath": "", "configStore": "state.sqlite", "configStore." + name: canary.Secret})
			require.ErrorContains(t, err, "configStore."+name+" cannot be set")
			require.ErrorContains(t, err, remedy)
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestInitRefusesPermanentMistakes(t *testing.T) {
	cases := map[string]struct {
		properties map[string]string
		says       string
	}{
		"an unknown type of config store": {
			map[string]string{"configStore": "state.sqlit"}, `did you mean "state.sqlite"?`,
		},
		"an unknown type of secret store": {
			map[string]string{"secretStore": "secretstores.local.fil"}, `did you mean "secretstores.local.file"?`,
		},
		"a field that the config store does not have": {
			map[string]string{"configStore.rootpth": canary.Secret}, `configStore.rootpth is not a metadata field of bindings.localstorage (did you mean "rootPath"?)`,
		},
		"a field that the secret store does not have": {
			map[string]string{"secretStore.secretFile": canary.Secret}, `secretStore.secretFile is not a metadata field of secretstores.local.file (did you mean "secretsFile"?)`,
		},
		"no secretsFile": {
			map[string]string{"secretStore.secretsFile": ""}, "secretStore.secretsFile is missing",
		},
		"no rootPath": {
			map[string]string{"configStore.rootPath": ""}, "configStore.rootPath is missing",
		},
		"a rootPath that is not allowed": {
			map[string]string{"configStore.rootPath": "/proc/" + canary.Path}, "configStore (bindings.localstorage)",
		},
		"local.env without its prefix": {
			map[string]string{
				"secretStore": "secretstores.local.env", "secretStore.secretsFile": "", "secretStore.multiValued": "",
			}, "secretStore.prefix is missing",
		},
		"wrong metadata": {map[string]string{"cachettl": "1s"}, `did you mean "cacheTTL"?`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newFileStores(t)
			w.secrets(`{}`)
			_, err := w.init(tc.properties)
			require.ErrorContains(t, err, tc.says)
			canary.AssertNone(t, err.Error())
			canary.AssertNone(t, w.log.String())
		})
	}
}

func TestInitRefusesAWrongFileOfSecretsWithoutItsValues(t *testing.T) {
	cases := map[string]string{
		"not JSON":       `{"name": "` + canary.Secret,
		"not an object":  `["` + canary.Secret + `"]`,
		"a bare value":   canary.Secret,
		"nothing at all": "",
		"UTF-16":         "\xff\xfe{\x00}\x00" + canary.Secret,
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			w := newFileStores(t)
			w.secrets(text)
			_, err := w.init(nil)
			if assert.ErrorContains(t, err, "secretStore (secretstores.local.file)") {
				canary.AssertNone(t, err.Error())
			}
			canary.AssertNone(t, w.log.String())
		})
	}
}

// DESIGN.md, section 2, literalFields.
func TestLiteralFieldsHaveADefault(t *testing.T) {
	standard := []string{
		"host", "port", "connectBy", "auth-type", "agent-name", "agent-type", "key-type", "secret-manager",
		"aws-region", "aws-auth-method", "azure-auth-method",
	}
	for value, want := range map[string][]string{"": standard, "none": nil, " none ": nil, "a, b.c": {"a", "b.c"}} {
		properties := map[string]string{}
		if value != "" {
			properties["literalFields"] = value
		}
		settings, err := component.ParseMetadata(enough(properties))
		require.NoError(t, err)
		require.Equal(t, want, settings.LiteralFields)
	}
	for value, want := range map[string]string{
		"":           "is empty: set a value, or remove it to use the default",
		"a,,b":       `has an empty name: write names such as "host,port"`,
		"none,host":  `must be names of fields, or only "none"`,
		"extra.host": "applies only to top-level fields, not to the fields of extra: see lookupFields",
	} {
		_, err := component.ParseMetadata(enough(map[string]string{"literalFields": value}))
		require.EqualError(t, err, "metadata literalFields: "+want)
	}
}

func TestAHostIsNotLookedUpUnlessTheMetadataSaySo(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{"redis": {"redis-password": "hunter2"}}`)
	w.config("c", `{"credentialSource":"agent","host":"redis","password":"redis"}`)
	for value, host := range map[string]string{"host": "redis", "none": "hunter2", "password": "hunter2"} {
		data, err := get(w.open(map[string]string{"literalFields": value}), "c")
		require.NoError(t, err)
		require.Equal(t, host, data["host"], value)
	}
	data, err := get(w.open(nil), "c")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"credentialSource": "agent", "host": "redis", "password": "hunter2"}, data)
}
