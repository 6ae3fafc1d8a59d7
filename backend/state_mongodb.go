package backend

import (
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"

	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/mongodb"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// stateMongoDB is state.mongodb. What is put through us is kept as the string that
// it is, which contrib gives back exactly. What another stores as a document is
// given back as contrib's JSON of it: the order of its fields is lost, and how its
// numbers were written; a decimal is a string in it. daprd's HTTP API stores such
// documents, of doubles, without the digits past a float64's. Bytes that daprd's
// gRPC API stores are strings, and exact; a driver's binary data come as an object
// of contrib's that names their subtype.
func stateMongoDB() store.Type[store.ConfigConn] {
	make := func(log logger.Logger) state.Store {
		object := contrib.NewMongoDB(log)
		return &mongoStore{object, object.(state.KeysLiker)}
	}
	return store.Type[store.ConfigConn]{
		Fields:  store.DeclaredFields(contrib.NewMongoDB(nil)),
		Prepare: checkMongo,
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
			conn, err := connectState(ctx, make, fields, log, classifyMongo)
			if err == nil {
				conn.(*stateLister).size = mongoPage
			}
			return conn, err
		},
	}
}

// mongoPage is how many keys are listed at once: they come with their configs, in one
// message, which has to keep its bounds.
const mongoPage = 50

// mongoReadConcerns are those that contrib knows. It looks at them, and at the
// write concern, only when it is connected.
var mongoReadConcerns = []string{"", "local", "majority", "available", "linearizable", "snapshot"}

func checkMongo(fields map[string]string) error {
	for name, value := range fields {
		switch _, err := strconv.Atoi(value); {
		case strings.EqualFold(name, "readconcern") && !slices.Contains(mongoReadConcerns, value):
			return errors.New("readconcern is local, majority, available, linearizable or snapshot")
		case strings.EqualFold(name, "writeconcern") && value != "" && value != "majority" && err != nil:
			return errors.New("writeconcern is a number, or majority")
		}
	}
	settings, err := readMongoSettings(fields)
	if err != nil {
		return store.Scrub(err, fields)
	}
	err = settings.options().Validate()
	if err == nil || store.PermissionDenied(err) || strings.Contains(err.Error(), "lookup _mongodb._tcp.") { // which may yet change
		return nil
	}
	// The driver quotes what it cannot parse, which may be a part of the password.
	return errors.New("the address that connectionString, or host, server, username, password and params make cannot be parsed")
}

// The server's codes for what it refuses: Unauthorized and AuthenticationFailed,
// and Atlas's own for a wrong password.
var mongoDenied = []int{13, 18, 8000}

// Of a failure to connect there is its text, with the name of the server's code.
var (
	mongoDeniedText  = regexp.MustCompile(`\((Unauthorized|AuthenticationFailed|AtlasError)\)`)
	mongoTimeoutText = regexp.MustCompile(`context deadline exceeded$`)
)

// classifyMongo goes by the server's codes, or by the text where nothing else is
// left. A collection or a database that is gone cannot be told from one without
// the key: MongoDB makes them when somebody writes.
func classifyMongo(err error) error {
	var (
		failure   mongo.ServerError
		selection topology.ServerSelectionError
		network   net.Error
	)
	kind := credential.Unavailable
	switch {
	case errors.As(err, &failure):
		switch {
		case slices.ContainsFunc(mongoDenied, failure.HasErrorCode):
			kind = credential.Denied
		case mongo.IsTimeout(err): // MaxTimeMSExpired, and what the driver counts with it
			kind = credential.Timeout
		}
	case mongoDeniedText.MatchString(err.Error()):
		kind = credential.Denied
	case errors.As(err, &selection): // nobody to ask: it waited for one as long as it might
	case mongo.IsTimeout(err), errors.As(err, &network) && network.Timeout(), mongoTimeoutText.MatchString(err.Error()):
		kind = credential.Timeout
	default:
		return store.Failed(err)
	}
	return &credential.StoreError{Kind: kind, Err: err}
}
