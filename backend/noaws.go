//go:build noaws

package backend

import "credential-resolver/backend/store"

func awsConfigStores() map[string]store.Type[store.ConfigConn] { return nil }

func awsSecretStores() map[string]store.Type[store.SecretConn] { return nil }
