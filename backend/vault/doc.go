// Package vault is the store secretstores.hashicorp.vault: HashiCorp Vault and OpenBao. It
// tells a missing secret from every other 404, and logs in again when the token's file
// changes.
package vault
