package backend

import (
	"context"
	"crypto/tls"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"
	_ "unsafe"

	redisv9 "github.com/redis/go-redis/v9"

	rediscomponent "github.com/dapr/components-contrib/common/component/redis"
	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
)

// go-redis allocates as many values as a server announces, and contrib's Init creates its own
// client. So this file does the parts of Init that are needed here, with a client whose
// connections are bounded. It uses go-redis version 9 for every server. For servers before
// Redis 7, contrib uses version 8, which is no longer maintained.

// initRedis gives contrib's store a client, and checks that the client reaches the server.
func initRedis(ctx context.Context, object state.Store, fields map[string]string, log logger.Logger) error {
	settings, err := redisSettings(fields)
	if err != nil {
		return store.Permanent(err)
	}
	refresh := func(rediscomponent.RedisClient) {}
	if settings.UseEntraID {
		expires, credential, err := settings.GetEntraIDCredentialAndSetInitialTokenAsPassword(ctx, &fields)
		if err != nil {
			return err
		}
		refresh = func(client rediscomponent.RedisClient) {
			rediscomponent.StartEntraIDTokenRefreshBackgroundRoutine(client, settings.Username, *expires, credential, &log)
		}
	}
	client, err := newRedisClient(settings)
	if err != nil {
		return store.Permanent(err)
	}
	*store.Private[rediscomponent.RedisClient](object, "client") = client
	*store.Private[*rediscomponent.Settings](object, "clientSettings") = settings
	if _, err := client.PingResult(ctx); err != nil {
		return err
	}
	refresh(client)
	return nil
}

// redisSettings parses the metadata as contrib does for a state store.
func redisSettings(fields map[string]string) (*rediscomponent.Settings, error) {
	settings := &rediscomponent.Settings{
		RedisMaxRetries: 3, RedisMinRetryInterval: rediscomponent.Duration(2 * time.Second),
	}
	if old := store.Field(fields, "maxRetryBackoff"); old != "" && store.Field(fields, "redisMinRetryInterval") == "" {
		pause, err := strconv.ParseInt(old, 10, 0)
		if err != nil {
			return nil, err
		}
		settings.RedisMinRetryInterval = rediscomponent.Duration(pause)
	}
	return settings, settings.Decode(fields)
}

// newRedisClient wraps our own client in contrib's client type. It sends nothing.
func newRedisClient(settings *rediscomponent.Settings) (rediscomponent.RedisClient, error) {
	options := &redisv9.UniversalOptions{
		Addrs: strings.Split(settings.Host, ","), DB: settings.DB, IsClusterMode: settings.RedisType == rediscomponent.ClusterType,
		Username: settings.Username, Password: settings.Password,
		SentinelUsername: settings.SentinelUsername, SentinelPassword: settings.SentinelPassword,
		MaxRetries:      settings.RedisMaxRetries,
		MinRetryBackoff: time.Duration(settings.RedisMinRetryInterval), MaxRetryBackoff: time.Duration(settings.RedisMaxRetryInterval),
		DialTimeout: time.Duration(settings.DialTimeout),
		ReadTimeout: time.Duration(settings.ReadTimeout), WriteTimeout: time.Duration(settings.WriteTimeout),
		PoolSize: settings.PoolSize, MinIdleConns: settings.MinIdleConns, PoolTimeout: time.Duration(settings.PoolTimeout),
		ConnMaxLifetime: time.Duration(settings.MaxConnAge), ConnMaxIdleTime: time.Duration(settings.IdleTimeout),
		ContextTimeoutEnabled: true,
	}
	if settings.Failover {
		options.MasterName = settings.SentinelMasterName
	}
	var secure *tls.Config
	if settings.EnableTLS {
		secure = &tls.Config{InsecureSkipVerify: settings.InsecureSkipTLSVerify} //nolint:gosec // a setting
		if err := settings.SetCertificate(func(c *tls.Certificate) { secure.Certificates = []tls.Certificate{*c} }); err != nil {
			return nil, err
		}
	}
	options.Dialer = redisDialer(secure)

	theirs, err := newContribRedis(&rediscomponent.Settings{
		ReadTimeout: settings.ReadTimeout, WriteTimeout: settings.WriteTimeout, DialTimeout: settings.DialTimeout,
	})
	if err != nil {
		return nil, err
	}
	_ = theirs.Close() // contrib's own client, which has not dialled
	wrapper := reflect.New(reflect.TypeOf(theirs))
	wrapper.Elem().Set(reflect.ValueOf(theirs))
	*store.Private[redisv9.UniversalClient](wrapper.Interface(), "client") = redisv9.NewUniversalClient(options)
	return wrapper.Elem().Interface().(rediscomponent.RedisClient), nil
}

// newContribRedis is a function of contrib's. If contrib no longer has it, linking fails.
//
//go:linkname newContribRedis github.com/dapr/components-contrib/common/component/redis.newV9Client
func newContribRedis(settings *rediscomponent.Settings) (rediscomponent.RedisClient, error)

// redisDialer returns a function that dials as go-redis does. A nil config means no TLS.
func redisDialer(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	room := wirelimit.NewRoom(wirelimit.RoomSize)
	dialer := &net.Dialer{KeepAlive: 5 * time.Minute}
	dial := dialer.DialContext
	if config != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wirelimit.NewConn(conn, room, wirelimit.Redis()), nil
	}
}
