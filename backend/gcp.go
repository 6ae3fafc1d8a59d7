//go:build !nogcp

package backend

import (
	"credential-resolver/backend/gcp"
	"credential-resolver/backend/store"
)

func gcpConfigStores() map[string]store.Type[store.ConfigConn] {
	return map[string]store.Type[store.ConfigConn]{
		"state.gcp.firestore": gcp.Firestore(),
		"bindings.gcp.bucket": gcp.Bucket(),
	}
}

func gcpSecretStores() map[string]store.Type[store.SecretConn] {
	return map[string]store.Type[store.SecretConn]{
		"secretstores.gcp.secretmanager": gcp.SecretManager(),
	}
}
