package componentfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/componentfile"
)

// See dapr pkg/runtime/meta/meta.go: strings.ReplaceAll(val, "{namespace}",
// m.namespace+"."+m.id)
func TestNamespaceIsReplacedAsDaprdDoes(t *testing.T) {
	t.Setenv("NAMESPACE", "prod")
	t.Setenv("APP_ID", "myapp")
	got, err := load(t, ours("name: configKey\n    value: \"{namespace}||{guid}\""))
	require.NoError(t, err)
	require.Equal(t, "prod.myapp||{guid}", got["configKey"])
}

// See ProcessResource in dapr pkg/runtime/processor/secret/secret.go, and meta.go as above.
// meta.go replaces placeholders in the final value of a property, whatever its source.
func TestReferencesTakeDaprdsOrder(t *testing.T) {
	t.Setenv("CR_VALUE", "from-env")
	t.Setenv("CR_TEMPLATE", "{appID}||{guid}")
	t.Setenv("APP_ID", "myapp")
	t.Setenv("DAPR_API_TOKEN", canary.Secret)
	t.Setenv("VAULT_TOKEN", "from-secret")
	for name, test := range map[string]struct{ item, want string }{
		"a value before envRef":               {"name: x\n    value: v\n    envRef: CR_VALUE", "v"},
		"envRef before secretKeyRef":          {"name: x\n    envRef: CR_VALUE\n    secretKeyRef: {name: vault, key: token}", "from-env"},
		"not daprd's own variables":           {"name: x\n    envRef: DAPR_API_TOKEN", ""},
		"placeholders in the value of envRef": {"name: x\n    envRef: CR_TEMPLATE", "myapp||{guid}"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, ours(test.item))
			require.NoError(t, err)
			require.Equal(t, test.want, got["x"])
		})
	}
}

func TestFolderMayHaveGlobCharacters(t *testing.T) {
	parent := t.TempDir()
	folder := filepath.Join(parent, "env[prod]")
	require.NoError(t, os.Mkdir(folder, 0o700))
	secrets := write(t, map[string]string{"s.json": `{"vault":"v"}`})
	for name, text := range map[string]string{
		"credentials.yaml": ours("name: x\n    secretKeyRef: {name: vault}"),
		"s.yaml":           component("secretstores.local.file", "s", "name: secretsFile\n    value: "+secrets+"/s.json"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	got, err := componentfile.Load(filepath.Join(folder, "credentials.yaml"))
	require.NoError(t, err)
	require.Equal(t, "v", got["x"])
}
