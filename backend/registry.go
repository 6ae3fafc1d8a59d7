package backend

import (
	"maps"
	"slices"

	"credential-resolver/backend/kubernetes"
	"credential-resolver/backend/store"
	"credential-resolver/backend/vault"
)

// Registry holds the types of stores that are compiled in. A type may keep something from one
// opening of a store for the next one, so a process that opens stores more than once needs one
// registry for all.
type Registry struct {
	configs map[string]store.Type[store.ConfigConn]
	secrets map[string]store.Type[store.SecretConn]
}

// NewRegistry returns a registry. execPlugins allows the stores to run programs; see
// [store.Options].
func NewRegistry(execPlugins bool) *Registry {
	return &Registry{configStores(), secretStores(execPlugins)}
}

// configStores returns the config stores that are compiled in, by daprd's type names. Where
// daprd has several versions of a store, the name without a version means the version that
// daprd prefers.
func configStores() map[string]store.Type[store.ConfigConn] {
	sqlite, etcdV2 := stateSQLite(), stateEtcdV2()
	postgresV1, postgresV2 := statePostgreSQLV1(), statePostgreSQL()
	types := map[string]store.Type[store.ConfigConn]{
		"state.sqlite":          sqlite,
		"state.sqlite3":         sqlite,
		"state.postgresql":      postgresV2,
		"state.postgresql/v1":   postgresV1,
		"state.postgresql/v2":   postgresV2,
		"state.postgres":        postgresV2,
		"state.postgres/v1":     postgresV1,
		"state.postgres/v2":     postgresV2,
		"state.yugabytedb":      postgresV2,
		"state.yugabyte":        postgresV2,
		"state.cockroachdb":     postgresV2,
		"state.cockroachdb/v1":  stateCockroachDB(),
		"state.cockroachdb/v2":  postgresV2,
		"state.mysql":           stateMySQL(),
		"state.mongodb":         stateMongoDB(),
		"state.in-memory":       stateInMemory(),
		"state.redis":           stateRedis(),
		"state.etcd":            etcdV2,
		"state.etcd/v1":         stateEtcdV1(),
		"state.etcd/v2":         etcdV2,
		"bindings.localstorage": bindingsLocalStorage(),
	}
	maps.Copy(types, awsConfigStores())
	maps.Copy(types, azureConfigStores())
	maps.Copy(types, gcpConfigStores())
	return types
}

// secretStores returns the secret stores that are compiled in, by type. execPlugins allows
// them to run programs; see [store.Options].
func secretStores(execPlugins bool) map[string]store.Type[store.SecretConn] {
	types := map[string]store.Type[store.SecretConn]{
		"secretstores.local.file":      secretsLocalFile(),
		"secretstores.local.env":       secretsLocalEnv(),
		"secretstores.hashicorp.vault": vault.Type(),
		"secretstores.kubernetes":      kubernetes.Type(execPlugins),
	}
	maps.Copy(types, awsSecretStores())
	maps.Copy(types, azureSecretStores())
	maps.Copy(types, gcpSecretStores())
	return types
}

// ConfigStoreTypes returns the types of the supported config stores, sorted.
func ConfigStoreTypes() []string { return slices.Sorted(maps.Keys(configStores())) }

// SecretStoreTypes returns the types of the supported secret stores, sorted.
func SecretStoreTypes() []string { return slices.Sorted(maps.Keys(secretStores(false))) }
