package azure

import (
	"context"
	"strings"

	"credential-resolver/backend/store"
)

const policyTarget = "azure"

var _ store.PolicyWriter = (*vaultConn)(nil)

// assignments is a shell script that assigns the role for each secret.
const assignments = `# The least rights for the secrets of credentials. The vault must use Azure role-based access
# control. PRINCIPAL is the object ID of the component's identity: of the service principal
# (not the application), or of the managed identity.
set -eu
: "${PRINCIPAL:?set it to the object ID of the component's identity}"
vault=$(az keyvault show --name VAULT --query id --output tsv)
for secret in \
SECRETS
do
  az role assignment create --role "Key Vault Secrets User" --assignee-object-id "$PRINCIPAL" \
    --assignee-principal-type ServicePrincipal --scope "$vault/secrets/$secret"
done
`

// Policy implements [store.PolicyWriter] with role assignments, as a script for the Azure CLI.
func (c *vaultConn) Policy(_ context.Context, names []string) (store.Policy, error) {
	var p store.Policy
	var allowed []string
	for _, name := range names {
		if secretName.MatchString(name) {
			allowed = append(allowed, "  "+name)
		} else {
			p.LeftOut = append(p.LeftOut, name)
		}
	}
	if len(allowed) > 0 {
		p.Text = strings.NewReplacer("VAULT", c.vault, "SECRETS", strings.Join(allowed, " \\\n")).Replace(assignments)
	}
	return p, nil
}
