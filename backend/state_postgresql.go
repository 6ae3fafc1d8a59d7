package backend

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"regexp"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dapr/components-contrib/metadata"
	pgv1 "github.com/dapr/components-contrib/state/postgresql/v1"
	pgv2 "github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// statePostgreSQL is version 2 of state.postgresql, which stores bytes (bytea). daprd prefers
// this version, also for YugabyteDB and CockroachDB.
func statePostgreSQL() store.Type[store.ConfigConn] {
	return postgresStore(pgv2.NewPostgreSQLStateStore, connectPostgresV2)
}

// statePostgreSQLV1 is version 1, which stores documents (jsonb). A config that this program
// stores keeps its exact bytes: contrib stores them in base64 and marks the row, as it does
// for daprd's gRPC API. For a document that another program stores, the field order and the
// notation of its numbers are lost before we can read it, but no digits are. daprd's HTTP API
// parses what it stores, with either version, so digits beyond a float64's precision are lost
// too.
func statePostgreSQLV1() store.Type[store.ConfigConn] {
	return postgresStore(pgv1.NewPostgreSQLStateStore, connectPostgresV1)
}

// postgresStore is one of contrib's stores that speak PostgreSQL's protocol.
func postgresStore(make newState, connect initPostgres) store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:  postgresFields(make),
		Prepare: func(fields map[string]string) error { return checkPostgres(make, fields) },
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
			conn, err := connectState(ctx, boundedPostgres(make, connect), fields, log, classifyPostgres)
			if err != nil && sqlState(err) == pgerrcode.UndefinedColumn {
				return nil, store.Permanent(errOtherVersion)
			}
			return conn, err
		},
	}
}

var errOtherVersion = credential.Remedy("a table with that name exists, but it has the columns of another version of the store:" +
	" name the version in the type, as in state.postgresql/v1, or use another table")

// postgresFields returns the fields that contrib declares, and those that it reads without
// declaring them: aliases, and the fields for signing in to Azure or AWS.
func postgresFields(make newState) metadata.MetadataMap {
	fields := store.DeclaredFields(make(nil))
	alias(fields, "connectionString", "url")
	alias(fields, "timeout", "timeoutInSeconds")
	alias(fields, "cleanupInterval", "cleanupIntervalInSeconds")
	declareAzure(fields)
	fields["region"] = metadata.MetadataField{Aliases: []string{"awsRegion"}}
	for _, name := range []string{
		"accessKey", "secretKey", "sessionToken", "assumeRoleArn", "sessionName", "trustAnchorArn", "trustProfileArn",
	} {
		fields[name] = metadata.MetadataField{}
	}
	return fields
}

// checkPostgres checks the fields. It never repeats a parser's error, because the parser
// quotes the text that it cannot parse, which may be part of the password.
func checkPostgres(make newState, fields map[string]string) error {
	err := checkState(make, fields)
	var (
		parse   *pgconn.ParseConfigError
		address *url.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("a file that the connection string or a field names does not exist")
	case errors.As(err, &parse), errors.As(err, &address):
		return errors.New("the connection string cannot be parsed, alone or with the fields that change it")
	default:
		return store.Scrub(err, fields)
	}
}

// errPreparedStatements is for a connection pooler that gives each transaction a different
// server connection, so the prepared statement is missing there.
const errPreparedStatements = credential.Remedy("a prepared statement no longer exists on the server connection: behind PgBouncer in transaction mode, " +
	"set queryExecMode to \"exec\"")

// sqlStateInText finds the SQLSTATE at the end of an error's text. contrib keeps only the text
// when creating the state table fails.
var sqlStateInText = regexp.MustCompile(`\(SQLSTATE ([0-9A-Z]{5})\)$`)

// sqlState returns the SQLSTATE of an error, or "" if it has none.
func sqlState(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	var classified *credential.StoreError
	if errors.As(err, &classified) {
		err = classified.Err
	}
	if found := sqlStateInText.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return ""
}

// classifyPostgres classifies an error by its SQLSTATE. A missing table, column or database is
// Unavailable, because contrib reports a missing key without an error.
func classifyPostgres(err error) error {
	code := sqlState(err)
	var network net.Error
	kind := credential.Unavailable
	switch {
	case code == "":
		if errors.As(err, &network) && network.Timeout() {
			kind = credential.Timeout
			break
		}
		return store.Failed(err)
	case pgerrcode.IsInvalidAuthorizationSpecification(code),
		code == pgerrcode.InsufficientPrivilege, code == pgerrcode.ReadOnlySQLTransaction:
		kind = credential.Denied
	case code == pgerrcode.QueryCanceled:
		kind = credential.Timeout
	case code == pgerrcode.DuplicatePreparedStatement, code == pgerrcode.InvalidSQLStatementName:
		err = store.Explained(errPreparedStatements, err)
	}
	return &credential.StoreError{Kind: kind, Err: err}
}
