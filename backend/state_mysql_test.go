package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/state"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestMySQLFailuresAreClassifiedByTheirNumber(t *testing.T) {
	for number, want := range map[uint16]credential.Kind{
		1044: credential.Denied, 1045: credential.Denied, 1142: credential.Denied, 1143: credential.Denied,
		1130: credential.Denied, 1290: credential.Denied, 1862: credential.Denied,
		1040: credential.Unavailable, 1203: credential.Unavailable, 1226: credential.Unavailable,
		1049: credential.Unavailable, 1146: credential.Unavailable, 1053: credential.Unavailable,
		1205: credential.Timeout, 1969: credential.Timeout, 3024: credential.Timeout,
	} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			failure := &mysql.MySQLError{Number: number, Message: "words"}
			err := classifyMySQL(fmt.Errorf("in contrib: %w", failure))
			storetest.RequireKind(t, want, err)
			require.ErrorIs(t, err, failure)
		})
	}
	for name, test := range map[string]struct {
		err  error
		want credential.Kind
	}{
		"our deadline":         {context.DeadlineExceeded, credential.Timeout},
		"a network's deadline": {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, credential.Timeout},
		"a connection lost":    {mysql.ErrInvalidConn, credential.Unavailable},
		"a row that is broken": {errors.New("failed to decode binary data: illegal base64"), credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.RequireKind(t, test.want, classifyMySQL(fmt.Errorf("in contrib: %w", test.err)))
		})
	}
}

func TestMySQLMetadataIsCheckedWithoutAConnection(t *testing.T) {
	const address = "user:canary@tcp(localhost:3306)/"
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"no connection string":  {map[string]string{"schemaName": "a"}, "connectionString is missing"},
		"no slash":              {map[string]string{"connectionString": "user:canary@tcp(h)"}, "cannot be parsed"},
		"a database":            {map[string]string{"ConnectionString": address + "db"}, "schemaName"},
		"a socket":              {map[string]string{"connectionString": "user:canary@unix(/run/a.sock)/"}, "a second slash"},
		"a slash in a password": {map[string]string{"connectionString": "user:can/canary@tcp(h)/"}, "a second slash"},
		"a table's name":        {map[string]string{"connectionString": address, "tableName": "a b"}, "is not valid"},
		"a field of another":    {map[string]string{"connectionString": address, "tablePrefix": "a"}, "tablePrefix is not a metadata field"},
		"a missing certificate": {map[string]string{"connectionString": address, "pemPath": "/missing/canary"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.mysql", Fields: test.fields}, configStores())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
	_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.mysql", Fields: map[string]string{
		"connectionString": address + "?tls=skip-verify", "timeoutInSeconds": "5", "cleanupInterval": "0",
	}}, configStores())
	require.NoError(t, err)
}

// foldingState ignores the case of keys, as MySQL does.
type foldingState struct {
	state.Store

	rows   map[string]string
	hidden bool
}

func (s *foldingState) Get(_ context.Context, req *state.GetRequest) (*state.GetResponse, error) {
	for key, value := range s.rows {
		if strings.EqualFold(key, req.Key) {
			return &state.GetResponse{Data: []byte(value), ETag: new(string)}, nil
		}
	}
	return &state.GetResponse{}, nil
}

func (s *foldingState) Set(_ context.Context, req *state.SetRequest) error {
	s.rows[req.Key] = string(req.Value.([]byte))
	return nil
}

func (s *foldingState) KeysLike(_ context.Context, req *state.KeysLikeRequest) (*state.KeysLikeResponse, error) {
	resp := &state.KeysLikeResponse{}
	for key := range s.rows {
		if strings.EqualFold(strings.ReplaceAll(req.Pattern, `\`, ""), key) && !s.hidden {
			resp.Keys = append(resp.Keys, key)
		}
	}
	return resp, nil
}

func (s *foldingState) Close() error { return nil }

// A binary collation keeps both, and LIKE may find both.
func TestMySQLWritesAKeyBesideOneInOtherLetters(t *testing.T) {
	rows := &foldingState{rows: map[string]string{"app_abc": "{}", "app_ABC": "{}"}}
	conn := &mysqlConn{newStateConn(rows, classifyMySQL).(*stateLister)}
	require.NoError(t, conn.Set(t.Context(), "app_abc", []byte("[]")))
	require.Equal(t, map[string]string{"app_abc": "[]", "app_ABC": "{}"}, rows.rows)
}

func TestMySQLIsCaseSensitiveOnAnyTable(t *testing.T) {
	rows := &foldingState{rows: map[string]string{"app_abc": "{}"}}
	conn := &mysqlConn{newStateConn(rows, classifyMySQL).(*stateLister)}
	data, err := conn.Get(t.Context(), "app_abc")
	require.NoError(t, err)
	require.Equal(t, "{}", string(data))
	_, err = conn.Get(t.Context(), "app_ABC")
	storetest.RequireKind(t, credential.NotFound, err)
	_, err = conn.Get(t.Context(), "app_abd")
	storetest.RequireKind(t, credential.NotFound, err)
	storetest.RequireKind(t, credential.Denied, conn.Set(t.Context(), "app_ABC", []byte("[]")))
	require.NoError(t, conn.Set(t.Context(), "app_abc", []byte("[]")))
	require.Equal(t, map[string]string{"app_abc": "[]"}, rows.rows)
	rows.hidden = true
	_, err = conn.Get(t.Context(), "app_abc")
	storetest.RequireKind(t, credential.Unavailable, err, "an uncertain result must not be a miss")
}
