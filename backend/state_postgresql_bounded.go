package backend

import (
	"context"
	"maps"
	"net"
	"reflect"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	pgauth "github.com/dapr/components-contrib/common/authentication/postgresql"
	"github.com/dapr/components-contrib/common/aws"
	pginterfaces "github.com/dapr/components-contrib/common/component/postgresql/interfaces"
	pgcommon "github.com/dapr/components-contrib/common/component/postgresql/v1"
	"github.com/dapr/components-contrib/state"
	pgv2 "github.com/dapr/components-contrib/state/postgresql/v2"
	"github.com/dapr/kit/logger"
	kitmetadata "github.com/dapr/kit/metadata"
	kitstrings "github.com/dapr/kit/strings"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// pgx trusts a server that announces a message of a gigabyte, and contrib's Init creates its
// own pool. So Init runs only until the pool exists. The store then replaces the pool with one
// whose connections are bounded, before anything is sent.

// initPostgres completes a store's Init once the store has its pool: it creates the tables. It
// does not start the deletion of expired rows. The daprd that writes them does that, and a
// reader ignores expired rows.
type initPostgres func(ctx context.Context, object state.Store, pool *pgxpool.Pool, log logger.Logger) error

// boundedStore is one of contrib's stores with our own pool.
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
	iam := *store.Private[bool](s.Store, "enableAWSIAM") && kitstrings.IsTruthy(store.Field(metadata.Properties, "useAWSIAM")) &&
		!kitstrings.IsTruthy(store.Field(metadata.Properties, "useAzureAD"))
	dry := metadata
	dry.Properties = maps.Clone(metadata.Properties)
	if iam {
		store.SetField(dry.Properties, "useAWSIAM", "") // contrib's IAM login may use the network
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	parsed := s.Store.Init(ended, dry) // fails at its first use of the network
	db := store.Private[pginterfaces.PGXPoolConn](s.Store, "db")
	theirs, ok := (*db).(*pgxpool.Pool)
	if !ok {
		return parsed
	}
	config := theirs.Config()
	theirs.Close()
	*db = nil
	if iam {
		if err := logInByIAM(ctx, config, metadata.Properties, s.log); err != nil {
			return err
		}
	}
	room := wirelimit.NewRoom(wirelimit.RoomSize)
	config.ConnConfig.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		return wirelimit.NewConn(conn, room, wirelimit.Postgres()), nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	*db = pool
	limited, stop := context.WithTimeout(ctx, time.Duration(settingsOf(s.Store).FieldByName("Timeout").Int()))
	defer stop()
	if err := pool.Ping(limited); err != nil {
		return err
	}
	return s.connect(ctx, s.Store, pool, s.log)
}

// logInByIAM makes a pool log in with Amazon's IAM, as contrib's Init does.
func logInByIAM(ctx context.Context, config *pgxpool.Config, properties map[string]string, log logger.Logger) error {
	var login pgauth.PostgresAuthMetadata
	if err := kitmetadata.DecodeMetadata(properties, &login); err != nil {
		return err
	}
	if err := login.InitWithMetadata(properties, pgauth.InitWithMetadataOpts{AWSIAMEnabled: true}); err != nil {
		return err
	}
	options, err := login.BuildAwsIamOptions(log, properties)
	if err != nil {
		return err
	}
	return aws.ConfigurePostgresIAM(ctx, config, *options)
}

// settingsOf returns the metadata as contrib has parsed it.
func settingsOf(object state.Store) reflect.Value {
	return reflect.ValueOf(object).Elem().FieldByName("metadata")
}

// Close implements state.Store.
func (s *boundedStore) Close() error { return s.Store.Close() }

// connectPostgresV2 completes the Init of version 2.
func connectPostgresV2(ctx context.Context, object state.Store, _ *pgxpool.Pool, _ logger.Logger) error {
	return makePostgresV2Tables(object.(*pgv2.PostgreSQL), ctx)
}

// makePostgresV2Tables is a method of contrib's. If contrib no longer has it, linking fails.
//
//go:linkname makePostgresV2Tables github.com/dapr/components-contrib/state/postgresql/v2.(*PostgreSQL).performMigrations
func makePostgresV2Tables(object *pgv2.PostgreSQL, ctx context.Context) error //nolint:revive // it is a method

// connectPostgresV1 completes the Init of version 1, which CockroachDB uses too.
func connectPostgresV1(ctx context.Context, object state.Store, pool *pgxpool.Pool, log logger.Logger) error {
	makeTables := *store.Private[func(context.Context, pginterfaces.PGXPoolConn, pgcommon.MigrateOptions) error](object, "migrateFn")
	names := settingsOf(object)
	return makeTables(ctx, pool, pgcommon.MigrateOptions{
		Logger:            log,
		StateTableName:    names.FieldByName("TableName").String(),
		MetadataTableName: names.FieldByName("MetadataTableName").String(),
	})
}
