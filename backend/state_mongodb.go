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

// stateMongoDB is state.mongodb. A config that this program stores is a string, which contrib
// returns exactly. A document that another program stores is returned as contrib's JSON of it:
// its field order and the notation of its numbers are lost, and a decimal becomes a string.
// daprd's HTTP API stores such documents with numbers as doubles, so digits beyond a float64's
// precision are lost. Bytes that daprd's gRPC API stores are strings, and exact. Binary data
// that a driver stores is returned as an object of contrib's that names its subtype.
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

// mongoPage is how many keys are listed at a time. They arrive with their configs in one
// message, whose size is limited.
const mongoPage = 50

// mongoReadConcerns are the read concerns that contrib knows. contrib checks them, and the
// write concern, only once it is connected.
var mongoReadConcerns = []string{"", "local", "majority", "available", "linearizable", "snapshot"}

func checkMongo(fields map[string]string) error {
	for name, value := range fields {
		switch _, err := strconv.Atoi(value); {
		case strings.EqualFold(name, "readconcern") && !slices.Contains(mongoReadConcerns, value):
			return errors.New("readconcern must be local, majority, available, linearizable or snapshot")
		case strings.EqualFold(name, "writeconcern") && value != "" && value != "majority" && err != nil:
			return errors.New("writeconcern must be a number or majority")
		}
	}
	settings, err := readMongoSettings(fields)
	if err != nil {
		return store.Scrub(err, fields)
	}
	err = settings.options().Validate()
	if err == nil || store.PermissionDenied(err) || strings.Contains(err.Error(), "lookup _mongodb._tcp.") { // that may change: a retry may help
		return nil
	}
	// The driver quotes the text that it cannot parse, which may be part of the password.
	return errors.New("the server's address cannot be parsed: check connectionString, or host, server, username, password and params")
}

// mongoDenied are the server's error codes for a refusal: Unauthorized, AuthenticationFailed,
// and Atlas's own code for a wrong password.
var mongoDenied = []int{13, 18, 8000}

// Only the text of a failed connection is left. It contains the name of the server's code.
var (
	mongoDeniedText  = regexp.MustCompile(`\((Unauthorized|AuthenticationFailed|AtlasError)\)`)
	mongoTimeoutText = regexp.MustCompile(`context deadline exceeded$`)
)

// classifyMongo classifies an error by the server's codes, or by its text if nothing else is
// left. A collection or database that is gone looks the same as one without the key, because
// MongoDB creates both on the first write.
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
		case mongo.IsTimeout(err): // MaxTimeMSExpired, and the other errors that the driver treats as timeouts
			kind = credential.Timeout
		}
	case mongoDeniedText.MatchString(err.Error()):
		kind = credential.Denied
	case errors.As(err, &selection): // no server was available within the selection timeout
	case mongo.IsTimeout(err), errors.As(err, &network) && network.Timeout(), mongoTimeoutText.MatchString(err.Error()):
		kind = credential.Timeout
	default:
		return store.Failed(err)
	}
	return &credential.StoreError{Kind: kind, Err: err}
}
