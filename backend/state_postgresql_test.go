package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestPostgreSQLFailuresAreClassifiedByTheirSQLState(t *testing.T) {
	tests := map[string]credential.Kind{
		"28P01": credential.Denied,      // wrong password
		"28000": credential.Denied,      // no such role, or no line for it in pg_hba.conf
		"42501": credential.Denied,      // no privilege
		"25006": credential.Denied,      // read only
		"57014": credential.Timeout,     // statement_timeout
		"53300": credential.Unavailable, // too many connections
		"57P01": credential.Unavailable, // shutting down
		"57P03": credential.Unavailable, // starting up
		"40001": credential.Unavailable, // serialization
		"42P01": credential.Unavailable, // no such table
		"3D000": credential.Unavailable, // no such database
		"42703": credential.Unavailable, // no such column
		"42P05": credential.Unavailable, // prepared statement already exists
		"26000": credential.Unavailable, // no such prepared statement
	}
	for code, want := range tests {
		failure := &pgconn.PgError{Severity: "ERROR", Code: code, Message: "words"}
		t.Run(code, func(t *testing.T) {
			err := classifyPostgres(fmt.Errorf("in contrib: %w", failure))
			storetest.RequireKind(t, want, err)
			require.ErrorIs(t, err, failure)
		})
		t.Run(code+" in the text that contrib makes of it", func(t *testing.T) {
			text := fmt.Sprintf("failed to perform migration 0: failed to create state table: 'state', %v", failure)
			storetest.RequireKind(t, want, classifyPostgres(errors.New(text)))
		})
	}
}

// PgBouncer's transaction mode breaks prepared statements. Only their codes get the remedy.
func TestPostgreSQLPreparedStatementHasARemedy(t *testing.T) {
	for code, want := range map[string]bool{"42P05": true, "26000": true, "42P01": false} {
		for _, failure := range []error{&pgconn.PgError{Code: code}, fmt.Errorf("failed to ping: ERROR: words (SQLSTATE %s)", code)} {
			remedy := credential.RemedyOf(classifyPostgres(failure))
			require.Equal(t, want, strings.Contains(remedy, `behind PgBouncer in transaction mode, set queryExecMode to "exec"`), code)
		}
	}
}

func TestPostgreSQLFailuresWithoutSQLState(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want credential.Kind
	}{
		"our deadline":            {context.DeadlineExceeded, credential.Timeout},
		"a network's deadline":    {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, credential.Timeout},
		"a network's failure":     {&net.OpError{Op: "dial", Err: errors.New("refused")}, credential.Unavailable},
		"a row that is broken":    {errors.New("failed to decode base64 data: illegal base64 data at input byte 1"), credential.Unavailable},
		"a code that is not last": {errors.New("(SQLSTATE 42501) and more"), credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.RequireKind(t, test.want, classifyPostgres(fmt.Errorf("in contrib: %w", test.err)))
		})
	}
}

func TestPostgreSQLMetadataIsCheckedWithoutAConnection(t *testing.T) {
	for storeType, fields := range map[string]map[string]string{
		"state.postgresql":     {"tablePrefix": "app.", "region": "eu-west-1"},
		"state.postgresql/v1":  {"tableName": "app.state", "azureTenantId": "a"},
		"state.cockroachdb":    {"tablePrefix": "app."},
		"state.cockroachdb/v1": {"tableName": "app"},
	} {
		for name, test := range map[string]struct {
			field, value, want string
		}{
			"a misspelt field":        {"conectionString", "host=h", `did you mean "connectionString"?`},
			"no connection string":    {"timeout", "5s", "failed to build connection string"},
			"a wrong duration":        {"timeout", "0.5s", "must be greater than 1s"},
			"a wrong mode":            {"queryExecMode", "fast", "queryExecMode"},
			"an address":              {"url", "postgres://user:canary%zz@h/db", "cannot be parsed"},
			"an address in two parts": {"url", "postgres://user:canary/more@h/db", "cannot be parsed"},
			"words":                   {"url", "host=h port=canary", "cannot be parsed"},
			"a file":                  {"sslRootCert", "/missing/canary.pem", "does not exist"},
		} {
			t.Run(storeType+", "+name, func(t *testing.T) {
				given := map[string]string{test.field: test.value}
				for name, value := range fields {
					given[name] = value
				}
				if test.field != "url" && test.field != "timeout" || test.value == "0.5s" {
					given["host"] = "h"
				}
				_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: storeType, Fields: given}, configStores())
				require.ErrorContains(t, err, test.want)
				require.NotContains(t, err.Error(), "canary")
			})
		}
	}
}

func TestPostgreSQLTakesContribsAliases(t *testing.T) {
	_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.postgres", Fields: map[string]string{
		"url": "postgres://user:password@localhost/db", "timeoutInSeconds": "5", "CleanupIntervalInSeconds": "0",
		"spnClientId": "a", "awsRegion": "b",
	}}, configStores())
	require.NoError(t, err)
}
