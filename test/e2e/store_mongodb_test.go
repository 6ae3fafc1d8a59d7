//go:build e2e && stores

package e2e

import (
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// We could not get a MongoDB. The test uses an emulator. It has no access control, and lacks
// the updates that contrib writes with.
func TestStoreMongoDBOnAnEmulator(t *testing.T) {
	t.Parallel()
	server, err := harness.StartMongoDB(t.Context(), binary(t, "MONGO_SERVER", "mongo-server"))
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	c := configStoreCase{
		kind: "state.mongodb", row: "state.mongodb (on an emulator)", server: server.Server,
		metadata: map[string]any{"configStore.connectionString": mongoURL(t, server)},
		seed: func(t *testing.T, guid, config string) {
			t.Helper()
			insertMongo(t, server, guid, bson.M{"value": config})
		},
	}
	c.run(t)
	c.mongoWriters(t, server)
}

// mongoURL returns the connection string in the store's file, changed to the test's server and
// without a user.
func mongoURL(t *testing.T, server *harness.MongoDB) string {
	t.Helper()
	u, err := url.Parse(storeFile(t, "state.mongodb")["configStore.connectionString"].(string))
	require.NoError(t, err)
	u.User, u.Host = nil, server.Address
	return u.String()
}

// insertMongo inserts a document as contrib's store writes it. fields are added to it or
// replace its fields.
func insertMongo(t *testing.T, server *harness.MongoDB, guid string, fields bson.M) {
	t.Helper()
	document := bson.M{"_id": guid, "_etag": "1", "_ttl": nil}
	maps.Copy(document, fields)
	require.NoError(t, server.Insert(t.Context(), "credentials", "configs", document))
}

// mongoWriters reads documents of other writers. daprd's HTTP API stores numbers as doubles,
// and drivers store the types of their languages.
func (c configStoreCase) mongoWriters(t *testing.T, server *harness.MongoDB) {
	document := func(a any) bson.D {
		m := bson.D{{Key: "yy", Value: 1e2}, {Key: "x", Value: int32(2)}}
		return bson.D{{Key: "z", Value: 1.0}, {Key: "a", Value: a}, {Key: "m", Value: m}}
	}
	decimal, err := primitive.ParseDecimal128("12345678901234567890")
	require.NoError(t, err)
	side := startSidecar(t, harness.ComponentOptions{}, c.component(t, "credentials", newStores(t), nil))
	for guid, test := range map[string]struct {
		value any
		want  string
	}{
		"text":    {foreign, foreign},
		"double":  {document(12345678901234567890.0), byDaprd},
		"long":    {document(int64(1234567890123456789)), `{"a":1234567890123456789,"m":{"x":2,"yy":100},"z":1}`},
		"decimal": {document(decimal), `{"a":"12345678901234567890","m":{"x":2,"yy":100},"z":1}`},
		"bytes":   {[]byte(`{"a":1}`), `{"Subtype":0,"Data":"eyJhIjoxfQ=="}`},
	} {
		insertMongo(t, server, guid, bson.M{"value": test.value})
		r := c.ask(t, side, "credentials", guid, "format=json")
		assert.Equal(t, test.want, r.entries["_value"], "%s: %s", guid, r.message)
	}
	hour := time.Now().Add(time.Hour)
	insertMongo(t, server, "lasts", bson.M{"value": foreign, "_ttl": hour})
	require.Equal(t, foreign, c.ask(t, side, "credentials", "lasts", "format=json").entries["_value"])
	insertMongo(t, server, "expired", bson.M{"value": foreign, "_ttl": hour.Add(-2 * time.Hour)})
	c.sees(t, side, "expired", "credentials", "expired", codes.NotFound)
	insertMongo(t, server, "flat", bson.M{"host": "db.example"})
	c.sees(t, side, "a document without a value", "credentials", "flat", codes.FailedPrecondition)
	insertMongo(t, server, "numbered", bson.M{"value": foreign, "_etag": 1})
	c.sees(t, side, "an etag that is no string", "credentials", "numbered", codes.Unavailable)
	c.requireQuiet(t, side.component.Log())
}
