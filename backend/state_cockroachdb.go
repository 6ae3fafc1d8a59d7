package backend

import (
	"github.com/dapr/components-contrib/state/cockroachdb"

	"credential-resolver/backend/store"
)

// stateCockroachDB is version 1 of state.cockroachdb, which keeps documents
// (jsonb) as version 1 of state.postgresql does, with the same losses. Version 2,
// the one that daprd prefers, is version 2 of state.postgresql.
//
// CockroachDB speaks PostgreSQL's protocol and gives its SQLSTATEs: 28P01 and
// 28000 where it refuses to let us in, 42501 where a privilege is missing, 40001
// for what is to be tried again. Version 1 looks for its table in every schema, and
// makes another only if there is none of that name anywhere.
func stateCockroachDB() store.Type[store.ConfigConn] {
	return postgresStore(cockroachdb.New, connectPostgresV1)
}
