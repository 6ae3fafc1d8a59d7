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

// statePostgreSQL is version 2 of state.postgresql, which keeps bytes (bytea):
// daprd's preferred version, and for YugabyteDB and CockroachDB too.
func statePostgreSQL() store.Type[store.ConfigConn] {
	return postgresStore(pgv2.NewPostgreSQLStateStore, connectPostgresV2)
}

// statePostgreSQLV1 is version 1, which keeps documents (jsonb). What is put
// through us is kept as the bytes that it is: contrib stores them in base64 and
// marks the row, as it does for daprd's gRPC API. A document that another stores
// has lost the order of its fields and how its numbers were written, but no digit,
// before we can read it. daprd's HTTP API has parsed what it stores, with either
// version: that has lost the digits past a float64's too.
func statePostgreSQLV1() store.Type[store.ConfigConn] {
	return postgresStore(pgv1.NewPostgreSQLStateStore, connectPostgresV1)
}

// postgresStore is a store of contrib's that speaks PostgreSQL's protocol.
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

var errOtherVersion = credential.Remedy("there is a table of that name with other columns, as another version of the store makes them:" +
	" name the version in the type, as in state.postgresql/v1, or another table")

// postgresFields are what contrib declares, and what it reads without declaring
// it: aliases, and what signing in to Azure or AWS takes.
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

// checkPostgres never repeats what a parser says: it quotes what it cannot parse,
// which may be a part of the password.
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
		return errors.New("a file that the connection string or a field names is not there")
	case errors.As(err, &parse), errors.As(err, &address):
		return errors.New("the connection string cannot be parsed, or not with the fields that change it")
	default:
		return store.Scrub(err, fields)
	}
}

// errPreparedStatements is for a pooler that gives each transaction another of the server's
// connections, where the statement is not the one that was prepared.
const errPreparedStatements = credential.Remedy("a prepared statement is not where it was: behind PgBouncer in transaction mode, " +
	"set queryExecMode to \"exec\"")

// sqlStateInText finds the SQLSTATE at the end of an error of which contrib kept
// nothing but the text: so it does where it makes the table of state.
var sqlStateInText = regexp.MustCompile(`\(SQLSTATE ([0-9A-Z]{5})\)$`)

// sqlState returns PostgreSQL's own code of an error, "" if it has none.
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

// classifyPostgres goes by SQLSTATE. A table, a column or a database that is not
// there is Unavailable: contrib answers a missing key without an error.
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
