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

// startMariaDB starts a MariaDB with the users and tables that the store's file needs.
func startMariaDB(t *testing.T) *harness.MariaDB {
	t.Helper()
	server, err := harness.StartMariaDB(t.Context(), "admin-canary-7b1a")
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	setup, err := os.ReadFile("../../components/stores/state.mysql.sql")
	require.NoError(t, err)
	require.NoError(t, server.Exec(t.Context(), string(setup),
		`ALTER USER credentials IDENTIFIED BY 'reader-canary-2c3d' ACCOUNT UNLOCK`,
		`ALTER USER credentials_writer IDENTIFIED BY 'writer-canary-4e5f' ACCOUNT UNLOCK`,
		// The same rights as the component's user, except for the table.
		`CREATE USER barred IDENTIFIED BY 'barred-canary-6a7b'`,
		`GRANT SELECT ON credentials.dapr_metadata TO barred`,
		`GRANT INSERT ON credentials.state TO barred`))
	return server
}

func mysqlUser(server *harness.MariaDB, user, password string) map[string]any {
	return map[string]any{"configStore.connectionString": server.DSN(user, password)}
}

func TestStoreMySQL(t *testing.T) {
	t.Parallel()
	server := startMariaDB(t)
	configStoreCase{
		kind: "state.mysql", server: server.Server,
		metadata: mysqlUser(server, "credentials", "reader-canary-2c3d"),
		writer:   mysqlUser(server, "credentials_writer", "writer-canary-4e5f"),
		refused: map[string]map[string]any{
			"no permission":  mysqlUser(server, "barred", "barred-canary-6a7b"),
			"wrong password": mysqlUser(server, "credentials", "wrong-canary"),
			"unknown user":   mysqlUser(server, "nobody", "wrong-canary"),
		},
		canaries: []string{"canary"},
	}.run(t)
}

// Failures while the component is connected.
func TestStoreMySQLGoesWrong(t *testing.T) {
	t.Parallel()
	server := startMariaDB(t)
	writer := mysqlUser(server, "credentials_writer", "writer-canary-4e5f")
	configStoreCase{
		kind: "state.mysql", row: "state.mysql", server: server.Server,
		metadata: mysqlUser(server, "credentials", "reader-canary-2c3d"), writer: writer, canaries: []string{"canary"},
	}.goesWrong(t, server.Exec, []wrong{
		{
			"table gone", `RENAME TABLE credentials.state TO credentials.gone`,
			`RENAME TABLE credentials.gone TO credentials.state`, codes.Unavailable,
		},
		{
			"database replaced by an empty one", `CREATE DATABASE kept; CREATE TABLE kept.state AS SELECT * FROM credentials.state; ` +
				`CREATE TABLE kept.empty LIKE credentials.state; DROP DATABASE credentials; CREATE DATABASE credentials`,
			`CREATE TABLE credentials.state LIKE kept.empty; INSERT INTO credentials.state SELECT * FROM kept.state; DROP DATABASE kept`,
			codes.Unavailable,
		},
		{
			"privilege revoked", `REVOKE SELECT ON credentials.state FROM credentials`,
			`GRANT SELECT ON credentials.state TO credentials`, codes.PermissionDenied,
		},
		{
			"password changed", `ALTER USER credentials IDENTIFIED BY 'other'; KILL USER credentials`,
			`ALTER USER credentials IDENTIFIED BY 'reader-canary-2c3d'`, codes.PermissionDenied,
		},
		{
			"locked out", `ALTER USER credentials ACCOUNT LOCK; KILL USER credentials`,
			`ALTER USER credentials ACCOUNT UNLOCK`, codes.PermissionDenied,
		},
		{
			"statement timeout", `RENAME TABLE credentials.state TO credentials.slow; ` +
				`CREATE SQL SECURITY DEFINER VIEW credentials.state AS SELECT slow.* FROM credentials.slow WHERE SLEEP(2) = 0; ` +
				`SET GLOBAL max_statement_time = 0.2; KILL USER credentials`,
			`SET GLOBAL max_statement_time = 0; DROP VIEW credentials.state; ` +
				`RENAME TABLE credentials.slow TO credentials.state; KILL USER credentials`, codes.DeadlineExceeded,
		},
	})
}

// What configs of other writers have lost when we read them. MariaDB stores a document as text.
func TestStoreMySQLForeign(t *testing.T) {
	t.Parallel()
	server := startMariaDB(t)
	assert.Equal(t, map[string]string{
		"ours": foreign, "grpc": foreign, "http": byDaprd, "grpc-json": byDaprd, "sql": foreign,
	}, writtenBy(t, "state.mysql", "", map[string]any{
		"connectionString": server.DSN("root", server.Password), "schemaName": "made",
	}, func() error {
		return server.Exec(t.Context(), `INSERT INTO made.state (id, value, isbinary, eTag) VALUES ('sql', '`+foreign+`', false, 'a')`)
	}))
}

// In a table that contrib created, keys that differ only in case are the same key.
func TestStoreMySQLHeedsCase(t *testing.T) {
	t.Parallel()
	server := startMariaDB(t)
	r := credentials("credentials", map[string]any{
		"configStore": "state.mysql", "configStore.connectionString": server.DSN("root", server.Password),
		"configStore.schemaName": "made", "environment": "local",
	})
	putInto(t, r, t.TempDir(), "some_guid", `{"a":"b"}`)
	side := startSidecar(t, harness.ComponentOptions{}, r)
	require.Equal(t, map[string]string{"a": "b"}, side.ask(t, "credentials", "some_guid").entries)
	require.Equal(t, codes.NotFound.String(), seenCode(t, side.ask(t, "credentials", "SOME_GUID").message))
	out, err := configStoreCase{}.tryCommand(t, r, "put", "--guid", "SOME_GUID", "store_mysql_test.go")
	require.Error(t, err, out)
	require.Equal(t, map[string]string{"a": "b"}, side.ask(t, "credentials", "some_guid").entries)
}
