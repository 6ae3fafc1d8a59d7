package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The names that daprd knows the Components of a run by.
const (
	cachedFile    = "cached-file"
	uncachedFile  = "uncached-file"
	cachedVault   = "cached-vault"
	uncachedVault = "uncached-vault"
	stateStore    = "state"
	vaultStore    = "vault"
	fileStore     = "file"
)

// The embedded databases: of the subjects, and of those that show growth.
const (
	fewConfigs  = "few.db"
	manyConfigs = "many.db"
)

// resource is a Component YAML.
type resource struct {
	name, kind string
	metadata   map[string]string
}

func (r resource) file() string { return r.name + ".yaml" }

func (r resource) write(folder string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n", r.name)
	fmt.Fprintf(&b, "spec:\n  type: %s\n  version: v1\n  metadata:\n", r.kind)
	for _, name := range slices.Sorted(maps.Keys(r.metadata)) {
		fmt.Fprintf(&b, "  - name: %s\n    value: %q\n", name, r.metadata[name])
	}
	return os.WriteFile(filepath.Join(folder, r.file()), []byte(b.String()), 0o600)
}

// writeAll makes a folder of these resources.
func writeAll(folder string, resources []resource) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, r := range resources {
		if err := r.write(folder); err != nil {
			return err
		}
	}
	return nil
}

// ours is a Component of ours; with has more metadata.
func ours(name string, metadata, with map[string]string) resource {
	metadata = maps.Clone(metadata)
	maps.Copy(metadata, with)
	return resource{name, "secretstores.credential-resolver", metadata}
}

// withoutCache is what makes every request a miss.
func withoutCache() map[string]string { return map[string]string{"cacheTTL": "0s"} }

// onFile are an embedded database and a file.
func (s *stores) onFile(database string) map[string]string {
	return map[string]string{
		"configStore": "state.sqlite", "configStore.connectionString": s.path(database),
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": s.path("bundles.json"),
		"secretStore.multiValued": "true",
	}
}

// onVault are Redis and Vault, with the configs where daprd keeps the state of the
// application "app".
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

func (s *stores) uncachedFile() resource {
	return ours(uncachedFile, s.onFile(fewConfigs), withoutCache())
}

func (s *stores) uncachedVault() resource {
	return ours(uncachedVault, s.onVault(), withoutCache())
}

// resources are those of the sidecar that everything is compared through.
func (s *stores) resources() []resource {
	return []resource{
		ours(cachedFile, s.onFile(fewConfigs), nil),
		ours(cachedVault, s.onVault(), nil),
		s.uncachedFile(),
		s.uncachedVault(),
		ours(briefVault, s.onVault(), briefly()),
		{constantName, "secretstores." + constantName, nil},
		{stateStore, "state.redis", s.redisFields()},
		{vaultStore, "secretstores.hashicorp.vault", s.vaultFields()},
		{fileStore, "secretstores.local.file", map[string]string{
			"secretsFile": s.path("finished.json"), "multiValued": "true",
		}},
	}
}
