package azure

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestPolicyAssignsTheRoleForEachSecret(t *testing.T) {
	lonely(t)
	p, err := connected(t, withSecret()).(store.PolicyWriter).Policy(t.Context(), []string{"a/b", "crm-key", "db"})
	require.NoError(t, err)
	require.Equal(t, []string{"a/b"}, p.LeftOut)

	folder := t.TempDir()
	const az = "#!/bin/sh\n" + `if [ "$1 $2" = "keyvault show" ]; then [ "$4" = team-vault ] && echo /subscriptions/s/vaults/team-vault; else echo "$@" >>"$0.log"; fi`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "az"), []byte(az), 0o700))
	t.Setenv("PATH", folder)
	run := func(environment ...string) (string, error) {
		cmd := exec.Command("/bin/sh", "-c", p.Text)
		cmd.Env = append(os.Environ(), environment...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run()
	require.Error(t, err)
	require.Contains(t, out, "set it to the object ID of the component's identity")
	out, err = run("PRINCIPAL=me")
	require.NoError(t, err, out)
	log, err := os.ReadFile(filepath.Join(folder, "az.log"))
	require.NoError(t, err)
	const assign = "role assignment create --role Key Vault Secrets User --assignee-object-id me --assignee-principal-type ServicePrincipal --scope /subscriptions/s/vaults/team-vault/secrets/"
	require.Equal(t, assign+"crm-key\n"+assign+"db\n", string(log))
}

func TestPolicyIsThatOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../deploy/azure/keyvault-roles.sh")
	require.NoError(t, err)
	p, err := (&vaultConn{vault: "my-vault"}).Policy(t.Context(), []string{"analytics-db", "crm-api-key", "crm-refresh-token"})
	require.NoError(t, err)
	require.Equal(t, string(text), p.Text)
}

func TestPolicyOfNoSecretIsEmpty(t *testing.T) {
	p, err := (&vaultConn{}).Policy(t.Context(), []string{"a/b"})
	require.NoError(t, err)
	require.Equal(t, store.Policy{LeftOut: []string{"a/b"}}, p)
}
