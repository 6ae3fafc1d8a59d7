//go:build !noazure

package backend

import (
	"credential-resolver/backend/azure"
	"credential-resolver/backend/store"
)

func azureConfigStores() map[string]store.Type[store.ConfigConn] {
	blob := azure.Blob()
	return map[string]store.Type[store.ConfigConn]{
		"state.azure.blobstorage":    blob,
		"state.azure.blobstorage/v1": azure.BlobV1(),
		"state.azure.blobstorage/v2": blob,
		"bindings.azure.blobstorage": blob,
		"state.azure.tablestorage":   azure.Table(),
		"state.azure.cosmosdb":       azure.Cosmos(),
	}
}

func azureSecretStores() map[string]store.Type[store.SecretConn] {
	return map[string]store.Type[store.SecretConn]{
		"secretstores.azure.keyvault": azure.KeyVault(),
	}
}
