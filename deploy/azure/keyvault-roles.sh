# The least rights for the secrets of credentials. The vault must use Azure role-based access
# control. PRINCIPAL is the object ID of the component's identity: of the service principal
# (not the application), or of the managed identity.
set -eu
: "${PRINCIPAL:?set it to the object ID of the component's identity}"
vault=$(az keyvault show --name my-vault --query id --output tsv)
for secret in \
  analytics-db \
  crm-api-key \
  crm-refresh-token
do
  az role assignment create --role "Key Vault Secrets User" --assignee-object-id "$PRINCIPAL" \
    --assignee-principal-type ServicePrincipal --scope "$vault/secrets/$secret"
done
