//go:build e2e && stores

package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// Failures while the component is connected. MongoDB keeps the connections of a user whose
// password changes, so a restart ends them. The last two are the server's own fault injection,
// which MongoDB has for the tests of drivers.
func TestStoreMongoDBGoesWrong(t *testing.T) {
	t.Parallel()
	server := startMongoDB(t, false)
	const (
		allow = `credentials {"updateRole": "credentials", "privileges": [{"resource": {"db": "credentials", "collection": "configs"}, "actions": `
		fail  = `admin {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {"failCommands": ["find"], "errorCode": `
		works = `admin {"configureFailPoint": "failCommand", "mode": "off"}`
	)
	mongoCase(t, server).goesWrong(t, mongoExec(server), []wrong{
		{
			"collection gone", `admin {"renameCollection": "credentials.configs", "to": "credentials.gone"}`,
			`admin {"renameCollection": "credentials.gone", "to": "credentials.configs", "dropTarget": true}`, codes.NotFound,
		},
		{"privilege revoked", allow + `["createIndex"]}]}`, allow + `["find", "createIndex"]}]}`, codes.PermissionDenied},
		{
			"password changed", `credentials {"updateUser": "credentials", "pwd": "other"}` + "\nrestart",
			`credentials {"updateUser": "credentials", "pwd": "reader-canary-4d9a"}`, codes.PermissionDenied,
		},
		{"statement timeout", fail + `50}}`, works, codes.DeadlineExceeded}, // MaxTimeMSExpired
		{"no primary", fail + `10107}}`, works, codes.Unavailable},          // NotWritablePrimary
	})
}

// mongoExec returns a function that runs lines: a database and a command for it as JSON, or "restart".
func mongoExec(server *harness.MongoDB) func(context.Context, ...string) error {
	return func(ctx context.Context, statements ...string) error {
		for line := range strings.SplitSeq(strings.Join(statements, "\n"), "\n") {
			database, text, isCommand := strings.Cut(line, " ")
			if !isCommand {
				if err := server.Stop(); err != nil {
					return err
				}
				if err := server.Restart(ctx); err != nil {
					return err
				}
				continue
			}
			var command bson.D
			if err := bson.UnmarshalExtJSON([]byte(text), false, &command); err != nil {
				return err
			}
			if err := server.Command(ctx, database, command); err != nil {
				return err
			}
		}
		return nil
	}
}

// What configs of other writers have lost when we read them.
func TestStoreMongoDBForeign(t *testing.T) {
	t.Parallel()
	server := startMongoDB(t, false)
	assert.Equal(t, map[string]string{
		"ours": foreign, "grpc": foreign, "http": byDaprd, "grpc-json": byDaprd, "sql": foreign,
	}, writtenBy(t, "state.mongodb", "", map[string]any{
		"connectionString": mongoUser(t, server, "credentials_writer", "writer-canary-8e1c")["configStore.connectionString"],
		"databaseName":     "credentials", "collectionName": "configs",
	}, func() error {
		return server.Insert(t.Context(), "credentials", "configs", bson.M{"_id": "sql", "value": foreign, "_etag": "1"})
	}))
}

// The store lists 50 keys at a time.
func TestStoreMongoDBListsPages(t *testing.T) {
	t.Parallel()
	server := startMongoDB(t, false)
	var (
		documents []any
		guids     []string
	)
	for i := range 120 {
		guid := fmt.Sprintf("guid-%03d", i)
		guids = append(guids, guid)
		documents = append(documents, bson.M{"_id": guid, "value": `{"a":"` + strings.Repeat("b", 10_000) + `"}`, "_etag": "1", "_ttl": nil})
	}
	require.NoError(t, server.Insert(t.Context(), "credentials", "configs", documents...))
	c := mongoCase(t, server)
	listed := c.command(t, c.component(t, "credentials", newStores(t), nil), "list")
	require.Equal(t, guids, strings.Fields(listed))
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
	// A MongoDB deletes it within a minute, by the index that the store creates, and contrib does not
	// find it before. SecantusDB deletes it on command, and cannot compare a date with the time.
	insertMongo(t, server, "expired", bson.M{"value": foreign, "_ttl": hour.Add(-2 * time.Hour)})
	require.NoError(t, server.Command(t.Context(), "admin", bson.D{{Key: "secantusAdmin.pruneTtl", Value: 1}}))
	require.Equal(t, foreign, c.ask(t, side, "credentials", "lasts", "format=json", "refresh=true").entries["_value"])
	c.sees(t, side, "expired", "credentials", "expired", codes.NotFound)
	insertMongo(t, server, "flat", bson.M{"host": "db.example"})
	c.sees(t, side, "a document without a value", "credentials", "flat", codes.FailedPrecondition)
	insertMongo(t, server, "numbered", bson.M{"value": foreign, "_etag": 1})
	c.sees(t, side, "an etag that is no string", "credentials", "numbered", codes.Unavailable)
	c.requireQuiet(t, side.component.Log())
}
