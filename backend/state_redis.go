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

// stateRedis is state.redis. contrib keeps a config in a hash, whose field "data"
// is the bytes that were stored. A plain string under the key is read as well.
//
// What others wrote: daprd puts "<app id>||" before its keys, so it is part of
// configKey. What an application saved through its HTTP API lost its order of
// fields and its long numbers there; over gRPC it kept them. What it saved with the
// content type application/json on a server with RedisJSON is a document, which is
// not readable here: Unavailable, never missing. So is any other type of key, and
// a hash without "data" and "version".
//
// contrib answers any failure of HGETALL with a GET, which fails in turn on every
// key that it wrote itself: no failure ends as "missing".
func stateRedis() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Fields:   redisFields(),
		Required: map[string]string{"redisHost": "name the server, as in redis.example:6379"},
		Prepare:  redisDefaults,
		Connect:  connectRedis,
	}
}

// redisFields are what contrib declares, and what it reads without declaring it:
// two old names, and what Microsoft Entra ID wants.
func redisFields() metadata.MetadataMap {
	fields := store.DeclaredFields(contrib.NewRedisStateStore(nil))
	declareAzure(fields)
	for _, name := range []string{"maxRetries", "maxRetryBackoff"} {
		fields[name] = metadata.MetadataField{}
	}
	return fields
}

// redisDefaults checks the metadata as contrib's Init does, which connects in the
// same breath.
func redisDefaults(fields map[string]string) error {
	if given, _ := metadata.GetMetadataProperty(fields, "redisMaxRetries", "maxRetries"); given == "" {
		fields["redisMaxRetries"] = "-1" // retries are ours, within a request's time
	}
	for name, value := range fields {
		switch {
		case strings.EqualFold(name, "queryIndexes"):
			delete(fields, name) // nothing is queried, and contrib would drop and make indexes
		case strings.EqualFold(name, "maxRetryBackoff"):
			if _, err := strconv.Atoi(value); value != "" && err != nil {
				return errors.New("maxRetryBackoff is no whole number")
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
		return errors.New("redisType is neither node nor cluster")
	}
	if err := redisCertificate(settings); err != nil {
		return err
	}
	if settings.UseEntraID && settings.Username+settings.Password != "" {
		return errors.New("useEntraID allows neither redisUsername nor redisPassword")
	}
	return nil
}

func redisCertificate(settings rediscomponent.Settings) error {
	if (settings.ClientCert == "") != (settings.ClientKey == "") {
		return errors.New("clientCert and clientKey belong together")
	}
	err := settings.SetCertificate(func(*tls.Certificate) {})
	if err != nil {
		return errors.New("clientCert and clientKey are no pair of PEM texts")
	}
	return nil
}

// redisAttempt bounds one attempt to connect: a context's end is all that ends it
// where the metadata turn the client's own limits off.
const redisAttempt = 10 * time.Second

// connectRedis connects. The metadata were checked, so that a retry may mend
// every failure: even a wrong password, once the server's users are put right.
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
		return conn, nil // SCAN goes to one of its nodes, which knows a part of the keys
	}
	// All at once: contrib scans all keys for every page.
	return &stateLister{conn, object.(state.KeysLiker), wholePage}, nil
}

// silenceRedis keeps go-redis from writing to standard error, with addresses, every
// connection that fails. Once, and before there is any client: its logger is a variable
// that clients read unguarded.
var silenceRedis = sync.OnceFunc(func() { redisv9.SetLogger(mute{}) })

// mute is a logger of go-redis that says nothing.
type mute struct{}

func (mute) Printf(context.Context, string, ...any) {}

// scriptRefused is how Redis begins its answer when a script of contrib's runs a
// command that the user may not: the only refusal without a code of its own.
const scriptRefused = "ERR The user executing the script can't "

// classifyRedis goes by the code that an error reply begins with. What is not a
// refusal may pass: LOADING, OOM, READONLY, CLUSTERDOWN, too many clients.
func classifyRedis(err error) error {
	var reply interface { // both versions of go-redis that contrib takes have it
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
	case errors.As(err, &network) && network.Timeout(): // a read's, or a call that ended while it dialled
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
