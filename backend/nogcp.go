//go:build nogcp

package backend

import "credential-resolver/backend/store"

func gcpConfigStores() map[string]store.Type[store.ConfigConn] { return nil }

func gcpSecretStores() map[string]store.Type[store.SecretConn] { return nil }
