package backend

import (
	"context"
	"net"
	"reflect"
	_ "unsafe"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	pginterfaces "github.com/dapr/components-contrib/common/component/postgresql/interfaces"
	pgcommon "github.com/dapr/components-contrib/common/component/postgresql/v1"
	"github.com/dapr/components-contrib/state"
	pgv2 "github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// pgx believes a server that announces a message of a gigabyte, and contrib's Init makes
// its pool by itself. So Init gets no further than to the pool, which the store then
// exchanges for one whose connections are bounded, before anything is sent.

// initPostgres does what remains of a store's Init once it has its pool: it makes the
// tables. The deletion of expired rows is left to the daprd that writes them; a reader
// ignores them.
type initPostgres func(ctx context.Context, object state.Store, pool *pgxpool.Pool, log logger.Logger) error

// boundedStore is a store of contrib's with a pool of ours.
type boundedStore struct {
	state.Store
	state.KeysLiker

	connect initPostgres
	log     logger.Logger
}

func boundedPostgres(make newState, connect initPostgres) newState {
	return func(log logger.Logger) state.Store {
		object := make(log)
		return &boundedStore{object, object.(state.KeysLiker), connect, log}
	}
}

// Init implements state.Store.
func (s *boundedStore) Init(ctx context.Context, metadata state.Metadata) error {
	sent, cancel := context.WithCancel(ctx)
	cancel()
	parsed := s.Store.Init(sent, metadata) // fails at its first use of the network
	theirs := poolOf(s.Store)
	if theirs == nil {
		return parsed
	}
	config := theirs.Config()
	theirs.Close()
	room := wirelimit.NewRoom(wirelimit.RoomSize)
	config.ConnConfig.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		return wirelimit.NewConn(conn, room, wirelimit.Postgres()), nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return err
	}
	return s.connect(ctx, s.Store, pool, s.log)
}

// poolOf returns a store's pool; nil if its Init has not made one. Version 2 panics then.
func poolOf(object state.Store) (pool *pgxpool.Pool) {
	defer func() { _ = recover() }()
	return object.(interface{ GetDB() *pgxpool.Pool }).GetDB()
}

// Close implements state.Store.
func (s *boundedStore) Close() error { return s.Store.Close() }

// connectPostgresV2 ends the Init of version 2.
func connectPostgresV2(ctx context.Context, object state.Store, pool *pgxpool.Pool, _ logger.Logger) error {
	v2 := object.(*pgv2.PostgreSQL)
	*store.Private[pginterfaces.PGXPoolConn](v2, "db") = pool
	return makePostgresV2Tables(v2, ctx)
}

// makePostgresV2Tables is a method of contrib's. A contrib without it does not link.
//
//go:linkname makePostgresV2Tables github.com/dapr/components-contrib/state/postgresql/v2.(*PostgreSQL).performMigrations
func makePostgresV2Tables(object *pgv2.PostgreSQL, ctx context.Context) error //nolint:revive // it is a method

// connectPostgresV1 ends the Init of version 1, which is CockroachDB's too.
func connectPostgresV1(ctx context.Context, object state.Store, pool *pgxpool.Pool, log logger.Logger) error {
	v1 := object.(*pgcommon.PostgreSQLQuery)
	*store.Private[pginterfaces.PGXPoolConn](v1, "db") = pool
	makeTables := *store.Private[func(context.Context, pginterfaces.PGXPoolConn, pgcommon.MigrateOptions) error](v1, "migrateFn")
	names := reflect.ValueOf(v1).Elem().FieldByName("metadata")
	return makeTables(ctx, pool, pgcommon.MigrateOptions{
		Logger:            log,
		StateTableName:    names.FieldByName("TableName").String(),
		MetadataTableName: names.FieldByName("MetadataTableName").String(),
	})
}
