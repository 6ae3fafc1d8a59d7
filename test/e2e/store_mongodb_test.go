//go:build e2e && stores

package e2e

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/bson"
	"google.golang.org/grpc/codes"
	"sigs.k8s.io/yaml"

	"credential-resolver/test/harness"
)

// mongoRow is the store's name in the matrix. We could not get a MongoDB. SecantusDB has its
// protocol, its users and its roles, but checks roles per database.
const mongoRow = "state.mongodb (on SecantusDB)"

// startMongoDB starts a server with the roles that the store's file describes.
func startMongoDB(t *testing.T, secure bool) *harness.MongoDB {
	t.Helper()
	server, err := harness.StartMongoDB(t.Context(), binary(t, "SECANTUSDB", "mongodb/bin/secantusd-py"),
		harness.MongoDB{Password: "admin-canary-3b7e", TLS: secure})
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	text, err := os.ReadFile("../../components/stores/state.mongodb.yaml")
	require.NoError(t, err)
	roles := regexp.MustCompile(`(?s)createRole\((\{.*?\})\)`).FindAllSubmatch(regexp.MustCompile(`(?m)^#`).ReplaceAll(text, nil), -1)
	require.Len(t, roles, 2)
	for _, role := range roles {
		var fields map[string]any
		require.NoError(t, yaml.Unmarshal(role[1], &fields))
		requireMongo(t, server, bson.D{
			{Key: "createRole", Value: fields["role"]}, {Key: "privileges", Value: fields["privileges"]}, {Key: "roles", Value: fields["roles"]},
		})
	}
	// The same rights as the component's user, except for reading.
	requireMongo(t, server, bson.D{{Key: "createRole", Value: "barred"}, {Key: "roles", Value: bson.A{}}, {Key: "privileges", Value: bson.A{
		bson.M{"resource": bson.M{"db": "credentials", "collection": "configs"}, "actions": bson.A{"createIndex"}},
	}}})
	for user, password := range map[string]string{
		"credentials": "reader-canary-4d9a", "credentials_writer": "writer-canary-8e1c", "barred": "barred-canary-5a0f",
	} {
		requireMongo(t, server, bson.D{{Key: "createUser", Value: user}, {Key: "pwd", Value: password}, {Key: "roles", Value: bson.A{user}}})
	}
	return server
}

func requireMongo(t *testing.T, server *harness.MongoDB, command bson.D) {
	t.Helper()
	require.NoError(t, server.Command(t.Context(), "credentials", command))
}

// mongoUser returns the connection string in the store's file, changed to the test's server and
// another user.
func mongoUser(t *testing.T, server *harness.MongoDB, user, password string) map[string]any {
	t.Helper()
	u, err := url.Parse(storeFile(t, "state.mongodb")["configStore.connectionString"].(string))
	require.NoError(t, err)
	return map[string]any{"configStore.connectionString": server.URL(user, password, u.Query())}
}

func mongoCase(t *testing.T, server *harness.MongoDB) configStoreCase {
	t.Helper()
	return configStoreCase{
		kind: "state.mongodb", row: mongoRow, server: server.Server,
		metadata: mongoUser(t, server, "credentials", "reader-canary-4d9a"),
		writer:   mongoUser(t, server, "credentials_writer", "writer-canary-8e1c"),
		canaries: []string{"canary"},
	}
}

func TestStoreMongoDB(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"without TLS": false, "with TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startMongoDB(t, secure)
			c := mongoCase(t, server)
			c.refused = map[string]map[string]any{
				"no permission":    mongoUser(t, server, "barred", "barred-canary-5a0f"),
				"wrong password":   mongoUser(t, server, "credentials", "wrong-canary"),
				"unknown user":     mongoUser(t, server, "nobody", "wrong-canary"),
				"without password": mongoUser(t, server, "", ""),
			}
			c.run(t)
			c.mongoWrites(t)
			c.mongoWriters(t, server)
		})
	}
}

// mongoWrites saves with the binding and edits with the command. The reader may do neither.
func (c configStoreCase) mongoWrites(t *testing.T) {
	s := newStores(t)
	local := map[string]any{"environment": "local"}
	writable := maps.Clone(local)
	maps.Copy(writable, c.writer)
	writer := c.component(t, "writer", s, writable)
	side := startSidecar(t, harness.ComponentOptions{}, writer, c.component(t, "reader", s, local),
		saving("saves", map[string]any{"store": "writer"}), saving("refuses", map[string]any{"store": "reader"}))
	guid, failure := side.save(t, "saves", `{"operation":"create","data":{"host":"h"}}`)
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"host": "h"}, c.ask(t, side, "writer", guid).entries)
	_, failure = side.save(t, "refuses", `{"operation":"create","data":{"host":"h"}}`)
	require.Contains(t, failure, codes.PermissionDenied.String())

	edit := func(r resource) (string, error) {
		path := filepath.Join(t.TempDir(), "credentials.yaml")
		require.NoError(t, os.WriteFile(path, []byte(r.yaml()), 0o600))
		cmd := exec.CommandContext(t.Context(), resolverBinary(t), "edit", "-c", path, guid)
		cmd.Env = append(os.Environ(), "VISUAL=sed -i s/h/edited/2")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := edit(c.component(t, "reader", s, nil))
	require.Error(t, err)
	require.Contains(t, out, "denied: ")
	out, err = edit(writer)
	require.NoError(t, err, out)
	require.Equal(t, map[string]string{"host": "edited"}, c.ask(t, side, "writer", guid, "refresh=true").entries)
	_, err = c.tryCommand(t, c.component(t, "reader", s, nil), "delete", guid)
	require.Error(t, err)
	c.command(t, writer, "delete", guid)
	c.requireQuiet(t, side.component.Log())
}
