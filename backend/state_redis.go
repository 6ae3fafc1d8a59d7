package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	redisv9 "github.com/redis/go-redis/v9"

	rediscomponent "github.com/dapr/components-contrib/common/component/redis"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/redis"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// stateRedis is state.redis. contrib stores a config in a hash, whose field "data" holds the
// stored bytes. It can also read a plain string under the key.
//
// Data from other programs: daprd puts "<app id>||" before its keys, so that prefix is part of
// configKey. A document that an application saved through daprd's HTTP API has lost its field
// order and the digits of long numbers. Over gRPC it keeps them. A value saved with the
// content type application/json on a server with RedisJSON is a document, which this program
// cannot read: the result is Unavailable, never missing. The same is true of any other type of
// key, and of a hash without "data" and "version".
//
// If HGETALL fails for any reason, contrib tries a GET. The GET fails too for every key that
// contrib wrote itself, so no failure is reported as "missing".
func stateRedis() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   redisFields(),
		Required: map[string]string{"redisHost": "name the server, as in redis.example:6379"},
		Prepare:  redisDefaults,
		Connect:  connectRedis,
	}
}

// redisFields returns the fields that contrib declares, and those that it reads without
// declaring them: two old names, and the fields for Microsoft Entra ID.
func redisFields() metadata.MetadataMap {
	fields := store.DeclaredFields(contrib.NewRedisStateStore(nil))
	declareAzure(fields)
	for _, name := range []string{"maxRetries", "maxRetryBackoff"} {
		fields[name] = metadata.MetadataField{}
	}
	return fields
}

// redisDefaults checks the metadata and sets defaults. contrib's Init does the same checks,
// but also connects.
func redisDefaults(fields map[string]string) error {
	if given, _ := metadata.GetMetadataProperty(fields, "redisMaxRetries", "maxRetries"); given == "" {
		fields["redisMaxRetries"] = "-1" // we retry ourselves, within the request's deadline
	}
	for name, value := range fields {
		switch {
		case strings.EqualFold(name, "queryIndexes"):
			delete(fields, name) // we run no queries, and contrib would drop and create indexes
		case strings.EqualFold(name, "maxRetryBackoff"):
			if _, err := strconv.Atoi(value); value != "" && err != nil {
				return errors.New("maxRetryBackoff is not a whole number")
			}
		}
	}
	var settings rediscomponent.Settings
	if err := settings.Decode(fields); err != nil {
		return store.Scrub(err, fields)
	}
	switch settings.RedisType {
	case "", rediscomponent.NodeType, rediscomponent.ClusterType:
	default:
		return errors.New("redisType must be node or cluster")
	}
	if err := redisCertificate(settings); err != nil {
		return err
	}
	if settings.UseEntraID && settings.Username+settings.Password != "" {
		return errors.New("useEntraID cannot be used with redisUsername or redisPassword")
	}
	return nil
}

func redisCertificate(settings rediscomponent.Settings) error {
	if (settings.ClientCert == "") != (settings.ClientKey == "") {
		return errors.New("clientCert and clientKey must be set together")
	}
	err := settings.SetCertificate(func(*tls.Certificate) {})
	if err != nil {
		return errors.New("clientCert and clientKey are not a pair of PEM texts")
	}
	return nil
}

// redisAttempt limits one attempt to connect. If the metadata turn off the client's own
// timeouts, only the context can end an attempt.
const redisAttempt = 10 * time.Second

// connectRedis connects. The metadata have been checked, so a retry may fix every failure.
// Even a wrong password may become valid once the server's users are corrected.
func connectRedis(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	ctx, cancel := context.WithTimeout(ctx, redisAttempt)
	defer cancel()
	silenceRedis()
	object := contrib.NewRedisStateStore(log)
	if err := initRedis(ctx, object, fields, log); err != nil {
		discard(object)
		return nil, classifyRedis(err)
	}
	conn := &stateConn{object, classifyRedis}
	kind, _ := metadata.GetMetadataProperty(fields, "redisType")
	if kind == rediscomponent.ClusterType {
		return conn, nil // SCAN asks only one node, which has only some of the keys
	}
	// All keys in one page: contrib scans all keys for every page.
	return &stateLister{conn, object.(state.KeysLiker), wholePage}, nil
}

// silenceRedis stops go-redis from writing each failed connection, with addresses, to standard
// error. It must run before the first client exists, and runs only once: go-redis' logger is a
// variable that clients read without a lock.
var silenceRedis = sync.OnceFunc(func() { redisv9.SetLogger(mute{}) })

// mute is a logger for go-redis that discards everything.
type mute struct{}

func (mute) Printf(context.Context, string, ...any) {}

// scriptRefused is the start of Redis' reply if one of contrib's scripts runs a command that
// the user may not run. It is the only refusal without its own code.
const scriptRefused = "ERR The user executing the script can't "

// classifyRedis classifies an error by the code at the start of an error reply. Errors other
// than refusals may be temporary: LOADING, OOM, READONLY, CLUSTERDOWN, too many clients.
func classifyRedis(err error) error {
	var reply interface { // implemented by both versions of go-redis that contrib uses
		error
		RedisError()
	}
	var network net.Error
	kind := credential.Unavailable
	switch {
	case errors.As(err, &reply):
		if redisRefuses(reply.Error()) {
			kind = credential.Denied
		}
	case errors.As(err, &network) && network.Timeout(): // a read timeout, or the call ended while dialling
		kind = credential.Timeout
	default:
		return store.Failed(err)
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

func redisRefuses(reply string) bool {
	code, _, _ := strings.Cut(reply, " ")
	switch code {
	case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED":
		return true
	}
	return strings.HasPrefix(reply, scriptRefused)
}
