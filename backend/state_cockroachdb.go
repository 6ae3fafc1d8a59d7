package backend

import (
	"github.com/dapr/components-contrib/state/cockroachdb"

	"credential-resolver/backend/store"
)

// stateCockroachDB is version 1 of state.cockroachdb. Like version 1 of state.postgresql, it
// stores documents (jsonb) and has the same losses. Version 2, which daprd prefers, is the
// same as version 2 of state.postgresql.
//
// CockroachDB speaks PostgreSQL's protocol and uses its SQLSTATEs: 28P01 and 28000 if it
// rejects the login, 42501 if a privilege is missing, 40001 if the client should retry.
// Version 1 looks for its table in every schema, and creates one only if no schema has a table
// of that name.
func stateCockroachDB() store.Type[store.ConfigConn] {
	return postgresStore(cockroachdb.New, connectPostgresV1)
}
