# The least rights of the component in Vault or OpenBao: it may read the listed
# secrets, which its credentials use. It needs no right to list, to write or to read
# metadata.
#
#     vault policy write credential-resolver deploy/vault/policy.hcl
#
# The roles in the other files of this folder give this policy to the tokens of a login:
# see docs/vault.md. For authMethod token, create a token with it:
#
#     vault token create -policy=credential-resolver -no-default-policy -period=24h
#
# Keep the names the same as in the Component's allowedSecrets.
#
# In these paths, "secret" is the store's enginePath and "dapr" is its vaultKVPrefix.
# "data" belongs to KV version 2, and is not part of a secret's name. For KV version 1,
# leave it out: "secret/dapr/analytics-db". The component finds out the version by
# itself, and needs no right for that.
#
# A credential with one secret per field looks up all its fields. For a name that is
# not listed, Vault answers 403, even if no such secret exists, and the credential is
# refused. There are three remedies: list the fields to look up (metadata
# lookupFields), treat refused names as literals (deniedProbe: literal), or allow
# "secret/data/dapr/*" (version 1: "secret/dapr/*").
path "secret/data/dapr/analytics-db" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-api-key" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-refresh-token" {
  capabilities = ["read"]
}

# This is not a secret. With this right, the component notices at start that no mount
# has the name enginePath. Without it, only the first request shows that. The path is
# the same for both versions.
path "secret/data/dapr/credential-resolver-probe" {
  capabilities = ["read"]
}

# The component renews the token of its login (authMethod) with this right. Without it,
# the component logs in anew each time, shortly before the token ends.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

# The component revokes the token of its login when its store is closed. Without this
# right, the token lives until it ends by itself.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# The component asks with this right whether a token that is written in the Component
# (vaultToken) is renewable. Without it, that token is not renewed.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
