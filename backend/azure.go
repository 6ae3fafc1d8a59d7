//go:build !noazure

package backend

import (
	"credential-resolver/backend/azure"
	"credential-resolver/backend/store"
)

func azureConfigStores() map[string]store.Type[store.ConfigConn] {
	return map[string]store.Type[store.ConfigConn]{}
}

func azureSecretStores() map[string]store.Type[store.SecretConn] {
	return map[string]store.Type[store.SecretConn]{
		"secretstores.azure.keyvault": azure.KeyVault(),
	}
}
