package backend

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/mysql"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// stateMySQL is state.mysql, for MySQL and MariaDB. It stores documents (JSON). A config that
// this program stores keeps its exact bytes: contrib stores them in base64 and marks the row.
// For a document that another program wrote, MySQL itself loses the field order and long
// digits before we can read it. MariaDB's JSON is text and keeps both, but daprd's HTTP API
// has already lost the digits beyond a float64's precision.
func stateMySQL() store.Type[store.ConfigConn] {
	make := boundedMySQL(contrib.NewMySQLStateStore)
	return store.Type[store.ConfigConn]{
		Fields:   store.DeclaredFields(make(nil)),
		Required: map[string]string{connectionString: mysqlForm},
		Prepare: func(fields map[string]string) error {
			for name, value := range fields {
				if !strings.EqualFold(name, connectionString) {
					continue
				}
				if err := checkMySQLAddress(value); err != nil {
					return err
				}
			}
			if err := checkState(make, fields); err != nil {
				return store.Scrub(err, fields)
			}
			return nil
		},
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
			conn, err := connectState(ctx, make, fields, log, classifyMySQL)
			if err != nil {
				return nil, err
			}
			return &mysqlConn{conn.(*stateLister)}, nil
		},
	}
}

// mysqlForm describes the connection strings that contrib can use. The text is fixed, because
// a string that cannot be parsed may be part of the password.
const mysqlForm = "it must have the form user:password@tcp(host:port)/?parameters"

// checkMySQLAddress rejects addresses that contrib would parse wrongly. contrib inserts the
// database name after the first slash, and drops everything after the second.
func checkMySQLAddress(address string) error {
	parsed, err := mysql.ParseDSN(address)
	switch {
	case err != nil:
		return errors.New("the connection string cannot be parsed: " + mysqlForm)
	case parsed.DBName != "":
		return errors.New("the connection string names a database: use schemaName instead; " + mysqlForm)
	case strings.Count(address, "/") > 1:
		return errors.New("the connection string has a second slash, which the store cannot read:" +
			" sockets, and passwords with a slash, are not possible; " + mysqlForm)
	}
	return nil
}

// mysqlConn is a connected state.mysql whose keys are case-sensitive. A table that contrib
// created compares keys by the database's collation, which may treat abc and ABC as equal.
// daprd's scopes and the names of secrets are case-sensitive.
type mysqlConn struct{ *stateLister }

var (
	_ store.ConfigConn = (*mysqlConn)(nil)
	_ store.Deleter    = (*mysqlConn)(nil)
	_ store.Lister     = (*mysqlConn)(nil)
)

var (
	errOtherCase = credential.Remedy("the table treats this key and a key in a different letter case as the same: give its column id a binary collation")
	errUnseen    = credential.Remedy("a row that was found is missing when it is read by its exact key")
)

// Get implements store.ConfigConn.
func (c *mysqlConn) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := c.stateLister.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	exact, other, err := c.spelt(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case exact:
		return data, nil
	case other:
		return nil, store.Absent()
	default: // deleted meanwhile, or the server interprets the pattern differently
		return nil, &credential.StoreError{Kind: credential.Unavailable, Err: errUnseen}
	}
}

// Set implements store.ConfigConn. It refuses to overwrite the row of another key.
func (c *mysqlConn) Set(ctx context.Context, key string, data []byte) error {
	exact, other, err := c.spelt(ctx, key)
	switch {
	case err != nil:
		return err
	case other && !exact:
		return &credential.StoreError{Kind: credential.Denied, Err: errOtherCase}
	}
	return c.stateLister.Set(ctx, key, data)
}

// spelt reports whether a row with exactly this key exists, and whether a row exists whose key
// differs only in case.
func (c *mysqlConn) spelt(ctx context.Context, key string) (exact, other bool, err error) {
	size := uint32(pageSize)
	req := &state.KeysLikeRequest{Pattern: store.KeyTemplate(key).Like(), PageSize: &size}
	resp, err := c.keys.KeysLike(ctx, req)
	if err != nil {
		return false, false, c.classify(err)
	}
	for _, k := range resp.Keys {
		exact = exact || k == key
		other = other || k != key
	}
	return exact, other, nil
}

// classifyMySQL classifies an error by the server's error number. A missing table or database
// is Unavailable, because contrib reports a missing key without an error. A database that is
// missing when we connect looks like one that we may not create.
func classifyMySQL(err error) error {
	var (
		failure *mysql.MySQLError
		network net.Error
	)
	switch {
	case errors.As(err, &failure):
		return &credential.StoreError{Kind: mysqlKind(failure.Number), Err: err}
	case errors.As(err, &network) && network.Timeout():
		return &credential.StoreError{Kind: credential.Timeout, Err: err}
	default:
		return store.Failed(err)
	}
}

// mysqlKind returns the kind of error that an error number means.
func mysqlKind(number uint16) credential.Kind {
	switch number {
	case 1044, 1045, 1698, // no access to the database, by this password, by this plugin
		1142, 1143, 1227, 1370, // no privilege for the table, the column, the server, the routine
		1130, 1290, 1792, 1820, 1862, 3118, 4151: // host not allowed, read only (2), password expired (2), account locked (2)
		return credential.Denied
	case 1205, 1317, 1969, 3024: // waited for a lock, interrupted, and out of time in MariaDB and MySQL
		return credential.Timeout
	default: // among them 1040, 1203 and 1226, too many connections
		return credential.Unavailable
	}
}
