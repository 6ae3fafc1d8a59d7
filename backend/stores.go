package backend

import (
	"context"
	"maps"
	"slices"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"
)

// configConn is a connected config store.
type configConn interface {
	get(ctx context.Context, key string) ([]byte, error)
	set(ctx context.Context, key string, data []byte) error
	Close() error
}

// deleter is a config store that can delete.
type deleter interface {
	// delete may take a key that is not there for deleted.
	delete(ctx context.Context, key string) error
}

// replacer is a config store that sees an edit between a reading and a writing.
type replacer interface {
	// replace fails with ErrEdited if what is there is not old, nor data already.
	replace(ctx context.Context, key string, old, data []byte) error
}

// lister is a config store that can list.
type lister interface {
	// list returns the configs that the store holds under a template, a page at a
	// time: the first for an empty token, the next for the page's own.
	list(ctx context.Context, key keyTemplate, token string) (page, error)
}

// page is a part of a listing.
type page struct {
	guids []string // in any order, and maybe more than once
	next  string   // the token of the next page; "" after the last
}

// secretConn is a connected secret store.
type secretConn interface {
	get(ctx context.Context, name string) (map[string]string, error)
	Close() error
}

// storeType is what this package knows about one type of store. C is the
// connection that it makes.
type storeType[C any] struct {
	// fields are the metadata names that the store itself declares.
	fields metadata.MetadataMap
	// required are fields that must not be empty, each with the remedy.
	required map[string]string
	// prepare completes and checks the fields as far as that needs no
	// connection. Its error is one that no retry mends. Nil: nothing to do.
	prepare func(fields map[string]string) error
	// connect makes a new store object and connects it. A failure that no retry
	// mends is wrapped by permanent.
	connect func(ctx context.Context, fields map[string]string, log logger.Logger) (C, error)
	// nearby tells that the store is files or memory of this machine: what fails
	// there fails at once, so it is not repeated, and is mended by hand, so no
	// breaker keeps anybody waiting. False: it is another process.
	nearby bool
	// ephemeral tells whether the store's contents end with the process. Nil: no.
	ephemeral func(fields map[string]string) bool
	// paths are fields that name files or folders. A command shows them: whoever runs it
	// wrote them.
	paths []string
	// validName is the store's own grammar of names of secrets. Nil: any.
	validName func(fields map[string]string, name string) bool
}

// hidden returns the fields whose values an error must not show.
func (t storeType[C]) hidden(fields map[string]string, onCommand bool) map[string]string {
	if !onCommand {
		return fields
	}
	hidden := maps.Clone(fields)
	for _, name := range t.paths {
		setField(hidden, name, "")
	}
	return hidden
}

// configStores lists the config stores that are compiled in, by type: daprd's
// names. Where daprd has several versions, the name alone is the one that it
// prefers, and the name with a version is that.
func configStores() map[string]storeType[configConn] {
	sqlite, etcdV2 := stateSQLite(), stateEtcdV2()
	postgresV1, postgresV2 := statePostgreSQLV1(), statePostgreSQL()
	return map[string]storeType[configConn]{
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
}

// secretStores lists the secret stores that are compiled in, by type. execPlugins lets
// them run programs: see [Options].
func secretStores(execPlugins bool) map[string]storeType[secretConn] {
	return map[string]storeType[secretConn]{
		"secretstores.local.file":      secretsLocalFile(),
		"secretstores.local.env":       secretsLocalEnv(),
		"secretstores.hashicorp.vault": secretsHashiCorpVault(),
		"secretstores.kubernetes":      secretsKubernetes(execPlugins),
	}
}

// ConfigStoreTypes returns the types of config store that can be opened, sorted.
func ConfigStoreTypes() []string { return slices.Sorted(maps.Keys(configStores())) }

// SecretStoreTypes returns the types of secret store that can be opened, sorted.
func SecretStoreTypes() []string { return slices.Sorted(maps.Keys(secretStores(false))) }
