package main

import (
	"maps"

	"credential-resolver/test/harness"
)

// The names of the Components in daprd.
const (
	cachedFile    = "cached-file"
	uncachedFile  = "uncached-file"
	cachedVault   = "cached-vault"
	uncachedVault = "uncached-vault"
	stateStore    = "state"
	vaultStore    = "vault"
	fileStore     = "file"
)

// The databases of the compared subjects and of the measurement by number of credentials.
const (
	fewConfigs  = "few.db"
	manyConfigs = "many.db"
)

// ours returns a Component of ours. with is additional metadata.
func ours(name string, metadata, with map[string]string) harness.Resource {
	metadata = maps.Clone(metadata)
	maps.Copy(metadata, with)
	return harness.Resource{Name: name, Type: "secretstores.credential-resolver", Metadata: metadata}
}

// withoutCache returns the metadata that makes every request a miss.
func withoutCache() map[string]string { return map[string]string{"cacheTTL": "0s"} }

// onFile returns the metadata for an embedded database and a file.
func (s *stores) onFile(database string) map[string]string {
	return map[string]string{
		"configStore": "state.sqlite", "configStore.connectionString": s.path(database),
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": s.path("bundles.json"),
		"secretStore.multiValued": "true",
	}
}

// onVault returns the metadata for Redis and Vault. The configs are where daprd stores the
// state of the application "app".
func (s *stores) onVault() map[string]string {
	metadata := map[string]string{
		"configStore": "state.redis", "configKey": "app||{guid}", "secretStore": "secretstores.hashicorp.vault",
	}
	for field, value := range s.redisFields() {
		metadata["configStore."+field] = value
	}
	for field, value := range s.vaultFields() {
		metadata["secretStore."+field] = value
	}
	return metadata
}

func (s *stores) redisFields() map[string]string {
	return map[string]string{"redisHost": s.redis.Address, "redisPassword": redisPassword}
}

func (s *stores) vaultFields() map[string]string {
	return map[string]string{
		"vaultAddr": s.vault.URL(), "vaultToken": s.token, "enginePath": "secret", "vaultKVPrefix": "dapr",
	}
}

func (s *stores) uncachedFile() harness.Resource {
	return ours(uncachedFile, s.onFile(fewConfigs), withoutCache())
}

func (s *stores) uncachedVault() harness.Resource {
	return ours(uncachedVault, s.onVault(), withoutCache())
}

// resources returns the Components of the sidecar for the comparison.
func (s *stores) resources() []harness.Resource {
	return []harness.Resource{
		ours(cachedFile, s.onFile(fewConfigs), nil),
		ours(cachedVault, s.onVault(), nil),
		s.uncachedFile(),
		s.uncachedVault(),
		ours(briefVault, s.onVault(), briefly()),
		{Name: constantName, Type: "secretstores." + constantName},
		{Name: stateStore, Type: "state.redis", Metadata: s.redisFields()},
		{Name: vaultStore, Type: "secretstores.hashicorp.vault", Metadata: s.vaultFields()},
		{Name: fileStore, Type: "secretstores.local.file", Metadata: map[string]string{
			"secretsFile": s.path("finished.json"), "multiValued": "true",
		}},
	}
}
