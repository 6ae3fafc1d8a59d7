package backend

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestMongoDBFailuresAreClassifiedByTheirCode(t *testing.T) {
	command := func(code int32, name string) error {
		return mongo.CommandError{Code: code, Name: name, Message: "words"}
	}
	// contrib's Init keeps only the text of an error.
	connecting := func(err error) error {
		return errors.New("error in connecting to mongodb, host: h error: " + err.Error())
	}
	handshake := errors.New("connection() error occurred during connection handshake: auth error: sasl conversation error:" +
		" unable to authenticate using mechanism \"SCRAM-SHA-256\": (AuthenticationFailed) Authentication failed.")
	lost := errors.New("connection() error occurred during connection handshake: auth error: EOF")
	nobody := topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}
	for name, test := range map[string]struct {
		err  error
		want credential.Kind
	}{
		"unauthorized":                    {command(13, "Unauthorized"), credential.Denied},
		"a wrong password":                {command(18, "AuthenticationFailed"), credential.Denied},
		"a wrong password, connecting":    {connecting(handshake), credential.Denied},
		"a wrong password, reconnecting":  {handshake, credential.Denied},
		"a connection lost":               {lost, credential.Unavailable},
		"unauthorized to make an index":   {errors.New("error in creating ttl index: " + command(13, "Unauthorized").Error()), credential.Denied},
		"shutting down":                   {command(91, "ShutdownInProgress"), credential.Unavailable},
		"no primary":                      {command(10107, "NotWritablePrimary"), credential.Unavailable},
		"too long for the server":         {command(50, "MaxTimeMSExpired"), credential.Timeout},
		"too long for us":                 {context.DeadlineExceeded, credential.Timeout},
		"too long for us, connecting":     {connecting(context.DeadlineExceeded), credential.Timeout},
		"no server":                       {nobody, credential.Unavailable},
		"no server, connecting":           {connecting(nobody), credential.Unavailable},
		"a network's failure":             {&net.OpError{Op: "dial", Err: errors.New("refused")}, credential.Unavailable},
		"a document that has other types": {errors.New("error decoding key value"), credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.RequireKind(t, test.want, classifyMongo(test.err))
		})
	}
}

func TestMongoDBMetadataIsCheckedWithoutAConnection(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"no address":           {map[string]string{}, "must set 'host' or 'server'"},
		"two addresses":        {map[string]string{"host": "h", "server": "s"}, "mutually exclusive"},
		"a misspelt field":     {map[string]string{"host": "h", "usernam": "a"}, `did you mean "username"?`},
		"an address":           {map[string]string{"connectionString": "mongodb://user:canary/@h:1"}, "cannot be parsed"},
		"a port":               {map[string]string{"connectionString": "mongodb://h:canary"}, "cannot be parsed"},
		"an option":            {map[string]string{"connectionString": "mongodb://h:1/?retryWrites=canary"}, "cannot be parsed"},
		"an escape":            {map[string]string{"connectionString": "mongodb://user:%zzcanary@h:1"}, "cannot be parsed"},
		"a password in fields": {map[string]string{"host": "h", "username": "u", "password": "a:canary@b/c"}, "cannot be parsed"},
		"a duration":           {map[string]string{"host": "h", "operationTimeout": "soon"}, "OperationTimeout"},
		"a read concern":       {map[string]string{"host": "h", "ReadConcern": "most"}, "readconcern must be"},
		"a write concern":      {map[string]string{"host": "h", "writeconcern": "most"}, "writeconcern must be"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.mongodb", Fields: test.fields}, configStores())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
	for name, fields := range map[string]map[string]string{
		"a host":                            {"host": "localhost:1", "username": "u", "password": "p", "params": "?authSource=admin"},
		"a host name that is not known yet": {"server": "nowhere.invalid"},
		"a concern":                         {"host": "localhost:1", "writeconcern": "2", "readconcern": "majority"},
		"an address and an empty field":     {"connectionString": "mongodb://localhost:1", "writeconcern": ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.mongodb", Fields: fields}, configStores())
			require.NoError(t, err)
		})
	}
}
