//go:build e2e && stores

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// We could not get a CockroachDB. The test uses a PostgreSQL, because version 2 of the store is
// contrib's PostgreSQL store.
func TestStoreCockroachDBOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	configStoreCase{
		kind: "state.cockroachdb", row: "state.cockroachdb (on PostgreSQL)", server: server.Server,
		metadata: postgresUser(server, "credentials", "reader-canary-1b2c"),
		writer:   postgresUser(server, "credentials_writer", "writer-canary-3d4e"),
		refused: map[string]map[string]any{
			"no permission": postgresUser(server, "barred", "barred-canary-5f6a"),
		},
		canaries: []string{"canary"},
	}.run(t)
}

// Version 1 of the store works on a PostgreSQL that has the one function of CockroachDB that it
// uses.
func TestStoreCockroachDBVersion1OnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	require.NoError(t, server.Exec(t.Context(),
		`DROP SCHEMA credentials CASCADE; CREATE SEQUENCE rows; `+
			`CREATE FUNCTION unique_rowid() RETURNS int8 LANGUAGE SQL AS 'SELECT nextval(''rows'')'`))
	assert.Equal(t, map[string]string{
		"ours": foreign, "grpc": foreign, "http": byDaprd, "grpc-json": byDaprd,
		"sql": `{"a":12345678901234567890,"m":{"x":2,"yy":100},"z":1.0}`,
	}, writtenBy(t, "state.cockroachdb", "v1", map[string]any{
		"connectionString": server.URL("admin", server.Password),
	}, func() error {
		return server.Exec(t.Context(), `INSERT INTO state (key, value, isbinary) VALUES ('sql', '`+foreign+`', false)`)
	}))
}
