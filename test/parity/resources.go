package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// metadata is the metadata of a Component.
type metadata map[string]string

// component returns a Component file. Later metadata override earlier ones.
func component(name, kind string, with ...metadata) string {
	all := metadata{}
	for _, m := range with {
		maps.Copy(all, m)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: %s}\n", name)
	fmt.Fprintf(&b, "spec:\n  type: %s\n  version: v1\n  metadata:\n", kind)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "  - {name: %s, value: %q}\n", field, all[field])
	}
	return b.String()
}

// configPath is the path of a credential's config in the original's object store.
func configPath(guid string) string {
	return filepath.Join("persistent-artifacts/apps/default/credentials", guid, "config.json")
}

// ours returns a Component of ours on the original's object store.
func ours(name string, configs objectStore, with ...metadata) string {
	kind, fields := configs.component()
	own := metadata{"configStore": kind, "configKey": configPath("{guid}")}
	for field, value := range fields {
		own["configStore."+field] = value
	}
	return component(name, "secretstores.credential-resolver", append([]metadata{own}, with...)...)
}

// secretsIn returns the metadata for a file of secrets.
func secretsIn(file string) metadata {
	return metadata{
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": file, "secretStore.multiValued": "true",
	}
}

// asTheOriginal is the metadata with which our component answers like the original.
var asTheOriginal = metadata{"unresolved": "allow", "literalFields": "none"}

// The names of our Components: one without a cache, one with the default cache, one for saving,
// and one without a cache and with the default literalFields.
const (
	uncached  = "credentials-uncached"
	cached    = "credentials"
	saving    = "credentials-local"
	byDefault = "credentials-default"
)

// resources returns the original's object store and secret stores, and our Components on the
// same stores.
func resources(configs objectStore, secretsFile string) string {
	file := metadata{"secretsFile": secretsFile, "multiValued": "true"}
	all := func(name, ttl, environment string) string {
		return ours(name, configs, secretsIn(secretsFile), asTheOriginal, metadata{"cacheTTL": ttl, "environment": environment})
	}
	kind, fields := configs.component()
	return component("objectstore", kind, fields) +
		component("secretstore", "secretstores.local.file", file) +
		component("deployment-secret-store", "secretstores.local.file", file) +
		component("credentials-save", "bindings.credential-resolver", metadata{"store": saving}) +
		all(uncached, "0s", "production") + all(cached, "60s", "production") + all(saving, "60s", "local") +
		ours(byDefault, configs, secretsIn(secretsFile), metadata{"cacheTTL": "0s", "unresolved": "allow"})
}

// refusing returns a failing secret store for the original, and two Components of ours: one on
// that store, and one that refuses unresolved credentials.
func refusing(configs objectStore) string {
	const kind, nobody = "secretstores.hashicorp.vault", "http://127.0.0.1:1"
	return component("secretstore-down", kind, metadata{"vaultAddr": nobody, "vaultToken": "none"}) +
		ours("credentials-down", configs, asTheOriginal, metadata{
			"secretStore": kind, "secretStore.vaultAddr": nobody, "secretStore.vaultToken": "none", "requestTimeout": "1s",
		}) +
		ours("credentials-strict", configs, secretsIn("components/samples/secrets.json"), metadata{"literalFields": "none"})
}
