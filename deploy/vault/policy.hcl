# The least rights of the component in Vault: it may read the listed secrets, which
# its credentials use. It needs no right to list, to write or to read metadata.
#
#     vault policy write credential-resolver deploy/vault/policy.hcl
#     vault token create -policy=credential-resolver -no-default-policy -period=24h
#
# Keep the names the same as in the Component's allowedSecrets.
#
# In these paths, "secret" is the store's enginePath and "dapr" is its vaultKVPrefix.
# "data" belongs to KV version 2, and is not part of a secret's name.
#
# A credential with one secret per field looks up all its fields. For a name that is
# not listed, Vault answers 403, even if no such secret exists, and the credential is
# refused. There are three remedies: list the fields to look up (metadata
# lookupFields), treat refused names as literals (deniedProbe: literal), or allow
# "secret/data/dapr/*".
path "secret/data/dapr/analytics-db" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-api-key" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-refresh-token" {
  capabilities = ["read"]
}

# This is not a secret. With this right, the component checks enginePath at start.
# Without it, only the first request shows that enginePath is wrong.
path "secret/data/dapr/credential-resolver-probe" {
  capabilities = ["read"]
}
