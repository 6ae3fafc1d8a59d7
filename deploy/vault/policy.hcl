# What the component may read in Vault: the secrets that its credentials name, one
# by one, and nothing else. To list, to write and to see metadata it needs nothing.
#
#     vault policy write credential-resolver deploy/vault/policy.hcl
#     vault token create -policy=credential-resolver -no-default-policy -period=24h
#
# The Component's allowedSecrets has the same names: keep the two in step.
#
# "secret" is the store's enginePath, "dapr" its vaultKVPrefix. "data" belongs to
# KV version 2 and stands in no name.
#
# With names one by one, a single-key credential whose other fields are looked up as
# well is refused: Vault says 403 of a name that it may not read, whether or not
# there is a secret. Name the fields to look up (metadata lookupFields), take what is
# refused for a literal (deniedProbe: literal), or allow "secret/data/dapr/*".
path "secret/data/dapr/analytics-db" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-api-key" {
  capabilities = ["read"]
}

path "secret/data/dapr/crm-refresh-token" {
  capabilities = ["read"]
}

# No secret. It lets the component see at its start that enginePath is right;
# without it, a wrong one shows at the first request.
path "secret/data/dapr/credential-resolver-probe" {
  capabilities = ["read"]
}
