//go:build e2e && stores

package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// startPostgres starts a PostgreSQL with the roles and tables that the store's file needs.
func startPostgres(t *testing.T) *harness.Postgres {
	t.Helper()
	server, err := harness.StartPostgres(t.Context(), "admin-canary-4c7d")
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	setup, err := os.ReadFile("../../components/stores/state.postgresql.sql")
	require.NoError(t, err)
	require.NoError(t, server.Exec(t.Context(), string(setup),
		`ALTER ROLE credentials PASSWORD 'reader-canary-1b2c'`,
		`ALTER ROLE credentials_writer PASSWORD 'writer-canary-3d4e'`,
		// The same rights as the component's role, except for the table.
		`CREATE ROLE barred LOGIN PASSWORD 'barred-canary-5f6a'`,
		`GRANT USAGE ON SCHEMA credentials TO barred`,
		`GRANT USAGE, CREATE ON SCHEMA credential_resolver TO barred`,
		`GRANT SELECT, INSERT, UPDATE ON credential_resolver.dapr_metadata TO barred`))
	return server
}

func postgresUser(server *harness.Postgres, role, password string) map[string]any {
	return map[string]any{"configStore.connectionString": server.URL(role, password)}
}

func TestStorePostgreSQL(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	configStoreCase{
		kind: "state.postgresql", server: server.Server,
		metadata: postgresUser(server, "credentials", "reader-canary-1b2c"),
		writer:   postgresUser(server, "credentials_writer", "writer-canary-3d4e"),
		refused: map[string]map[string]any{
			"no permission":  postgresUser(server, "barred", "barred-canary-5f6a"),
			"wrong password": postgresUser(server, "credentials", "wrong-canary"),
			"unknown role":   postgresUser(server, "nobody", "wrong-canary"),
		},
		canaries: []string{"canary"},
	}.run(t)
}

// In PgBouncer's transaction mode, each transaction may use another connection, where a
// prepared statement of the same name may belong to another client. With queryExecMode, the
// store uses none.
func TestStorePostgreSQLBehindPgBouncer(t *testing.T) {
	t.Parallel()
	const role, password = "credentials", "reader-canary-1b2c"
	server := startPostgres(t)
	pooler, err := harness.StartPgBouncer(t.Context(), server, map[string]string{role: password})
	require.NoError(t, err)
	t.Cleanup(pooler.Remove)
	require.NoError(t, server.Exec(t.Context(), `INSERT INTO credentials.state (key, value) VALUES ('db', '{"host":"h"}')`))
	folder := newStores(t)
	on := func(name, mode string) resource {
		metadata := folder.metadata(map[string]any{
			"configStore": "state.postgresql", "configStore.connectionString": pooler.URL(role, password), "configKey": "{guid}",
			"configStore.tablePrefix": "credentials.", "configStore.metadataTableName": "credential_resolver.dapr_metadata",
			"configStore.cleanupInterval": "0", "requestTimeout": "3s",
		})
		delete(metadata, "configStore.rootPath")
		if mode != "" {
			metadata["configStore.queryExecMode"] = mode
		}
		return credentials(name, metadata)
	}
	s := startSidecar(t, harness.ComponentOptions{}, on("one", ""), on("two", ""), on("exec", "exec"), on("simple", "simple_protocol"))
	for range 3 {
		for _, name := range []string{"exec", "simple"} {
			entries, failure := s.get(t, name, "db", "refresh=true")
			require.Empty(t, failure, name)
			require.Equal(t, "h", entries["host"])
		}
	}
	require.Eventually(t, func() bool {
		for _, name := range []string{"one", "two"} {
			_, _ = s.get(t, name, "db", "refresh=true")
		}
		return contains(s.component, `behind PgBouncer in transaction mode, set queryExecMode to \"exec\"`)
	}, patience, tick)
	require.NotContains(t, s.component.Log(), "canary")
}

// Failures while the component is connected.
func TestStorePostgreSQLGoesWrong(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	configStoreCase{
		kind: "state.postgresql", row: "state.postgresql", server: server.Server,
		metadata: postgresUser(server, "credentials", "reader-canary-1b2c"),
		writer:   postgresUser(server, "credentials_writer", "writer-canary-3d4e"), canaries: []string{"canary"},
	}.goesWrong(t, server.Exec, []wrong{
		{
			"table gone", `ALTER TABLE credentials.state RENAME TO gone`,
			`ALTER TABLE credentials.gone RENAME TO state`, codes.Unavailable,
		},
		{
			"schema replaced by an empty one", `CREATE TABLE public.kept AS TABLE credentials.state; DROP SCHEMA credentials CASCADE; ` +
				`CREATE SCHEMA credentials; GRANT USAGE ON SCHEMA credentials TO credentials`,
			`CREATE TABLE credentials.state AS TABLE public.kept; GRANT SELECT ON credentials.state TO credentials`, codes.Unavailable,
		},
		{
			"privilege revoked", `REVOKE SELECT ON credentials.state FROM credentials`,
			`GRANT SELECT ON credentials.state TO credentials`, codes.PermissionDenied,
		},
		{
			"password changed", `ALTER ROLE credentials PASSWORD 'other'; ` + endConnections,
			`ALTER ROLE credentials PASSWORD 'reader-canary-1b2c'`, codes.PermissionDenied,
		},
		{
			"too many connections", `ALTER ROLE credentials CONNECTION LIMIT 0; ` + endConnections,
			`ALTER ROLE credentials CONNECTION LIMIT -1`, codes.Unavailable,
		},
		{
			"statement timeout", `ALTER ROLE credentials SET statement_timeout = '200ms'; ` + endConnections +
				`; ALTER TABLE credentials.state RENAME TO slow; CREATE VIEW credentials.state AS ` +
				`SELECT slow.* FROM credentials.slow, pg_sleep(2); GRANT SELECT ON credentials.state TO credentials`,
			`DROP VIEW credentials.state; ALTER TABLE credentials.slow RENAME TO state; ` +
				`ALTER ROLE credentials RESET statement_timeout; ` + endConnections, codes.DeadlineExceeded,
		},
	})
}

// endConnections ends the component's connections, so that it opens new ones.
const endConnections = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'credentials'`

// What configs of other writers have lost when we read them.
func TestStorePostgreSQLForeign(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	require.NoError(t, server.Exec(t.Context(), `CREATE SCHEMA v1`, `CREATE SCHEMA v2`))
	address := server.URL("admin", server.Password)
	assert.Equal(t, map[string]string{
		"ours": foreign, "grpc": foreign, "http": byDaprd, "grpc-json": byDaprd, "sql": foreign,
	}, writtenBy(t, "state.postgresql", "v2", map[string]any{
		"connectionString": address, "tablePrefix": "v2.", "metadataTableName": "v2.dapr_metadata",
	}, func() error {
		return server.Exec(t.Context(), `INSERT INTO v2.state (key, value) VALUES ('sql', '`+foreign+`')`)
	}))
	assert.Equal(t, map[string]string{
		"ours": foreign, "grpc": foreign, "http": byDaprd, "grpc-json": byDaprd,
		"sql": `{"a":12345678901234567890,"m":{"x":2,"yy":100},"z":1.0}`,
	}, writtenBy(t, "state.postgresql", "v1", map[string]any{
		"connectionString": address, "tableName": "v1.state", "metadataTableName": "v1.dapr_metadata",
	}, func() error {
		return server.Exec(t.Context(), `INSERT INTO v1.state (key, value, isbinary) VALUES ('sql', '`+foreign+`', false)`)
	}))
}
