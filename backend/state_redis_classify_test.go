package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	redisv8 "github.com/go-redis/redis/v8"
	redisv9 "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/state"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// redisReply is an error reply of the server, as both versions of go-redis return it.
type redisReply string

func (r redisReply) Error() string { return string(r) }
func (r redisReply) RedisError()   {}

var (
	_ redisv8.Error = redisReply("")
	_ redisv9.Error = redisReply("")
)

func TestRedisFailuresAreClassifiedByTheReplysCode(t *testing.T) {
	tests := map[error]credential.Kind{
		redisReply("NOAUTH Authentication required."):                                     credential.Denied,
		redisReply("WRONGPASS invalid username-password pair or user is disabled."):       credential.Denied,
		redisReply("NOPERM User x has no permissions to run the 'hgetall' command"):       credential.Denied,
		redisReply("DENIED Redis is running in protected mode"):                           credential.Denied,
		redisReply(scriptRefused + "run this command or subcommand script: 1f, on @user"): credential.Denied,
		redisReply("LOADING Redis is loading the dataset in memory"):                      credential.Unavailable,
		redisReply("OOM command not allowed when used memory > 'maxmemory'."):             credential.Unavailable,
		redisReply("READONLY You can't write against a read only replica."):               credential.Unavailable,
		redisReply("ERR max number of clients reached"):                                   credential.Unavailable,
		redisReply("WRONGTYPE Operation against a key"):                                   credential.Unavailable,
		&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}:                               credential.Unavailable,
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}:                             credential.Timeout,
		&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}:                             credential.Timeout,
		&net.OpError{Op: "read", Err: syscall.ECONNRESET}:                                 credential.Unavailable,
		context.DeadlineExceeded:                                                          credential.Timeout,
		errors.New("required hash field 'data' or 'version' was not found"):               credential.Unavailable,
	}
	for failure, want := range tests {
		t.Run(failure.Error(), func(t *testing.T) {
			for _, err := range []error{failure, fmt.Errorf("in contrib: %w", failure), state.NewETagError(state.ETagMismatch, failure)} {
				got := classifyRedis(err)
				storetest.RequireKind(t, want, got)
				require.ErrorIs(t, got, failure)
			}
		})
	}
}

func TestRedisMetadataAreCheckedBeforeItConnects(t *testing.T) {
	tests := map[string]struct {
		fields map[string]string
		want   string
	}{
		"an invalid port":      {map[string]string{"redisPort": "many-canary"}, "decode failed"},
		"two ports":            {map[string]string{"redisPort": "1"}, "already contains port"},
		"an unknown type":      {map[string]string{"redisType": "ring"}, "must be node or cluster"},
		"a certificate alone":  {map[string]string{"clientCert": "canary"}, "must be set together"},
		"not PEM":              {map[string]string{"clientCert": "canary", "clientKey": "canary"}, "not a pair of PEM"},
		"an old field":         {map[string]string{"maxRetryBackoff": "soon"}, "not a whole number"},
		"a password for Entra": {map[string]string{"useEntraID": "true", "redisPassword": "canary"}, "cannot be used with"},
		"a misspelt field":     {map[string]string{"redisPasword": "canary"}, "redisPassword"},
		"a field of daprd":     {map[string]string{"keyPrefix": "none"}, "configKey"},
		"no server":            {map[string]string{"redisHost": ""}, "name the server"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fields := map[string]string{"redisHost": "redis.example:6379"}
			for field, value := range test.fields {
				fields[field] = value
			}
			_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.redis", Fields: fields}, configStores())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestRedisTakesWhatContribReads(t *testing.T) {
	_, fields, err := store.Lookup(store.Spec{Type: "state.redis", Fields: map[string]string{
		"redisHost": "h", "maxRetries": "2", "maxRetryBackoff": "3", "useEntraID": "true", "azureClientId": "a",
		"queryIndexes": "no JSON",
	}}, configStores())
	require.NoError(t, err)
	require.NotContains(t, fields, "queryIndexes", "a reader must not create indexes")
	require.NotContains(t, fields, "redisMaxRetries", "maxRetries replaces our default")
}

// Each of our own attempts has the request's deadline in view.
func TestRedisDoesNotRetryOnItsOwn(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"by default":        {map[string]string{"redisHost": "h:1"}, "-1"},
		"unless it is told": {map[string]string{"redisHost": "h:1", "redisMaxRetries": "2"}, "2"},
		"by the old name":   {map[string]string{"redisHost": "h:1", "MaxRetries": "2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, redisDefaults(test.fields))
			require.Equal(t, test.want, store.Field(test.fields, "redisMaxRetries"))
		})
	}
}
