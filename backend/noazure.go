//go:build noazure

package backend

import "credential-resolver/backend/store"

func azureConfigStores() map[string]store.Type[store.ConfigConn] { return nil }
