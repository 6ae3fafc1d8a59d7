//go:build noaws

package backend

import "credential-resolver/backend/store"

func awsSecretStores() map[string]store.Type[store.SecretConn] { return nil }
