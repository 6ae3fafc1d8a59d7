//go:build e2e && stores

package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/test/harness"
)

// wrong is a failure of a database, with the statements that begin and end it.
type wrong struct {
	failure, begin, end string
	want                codes.Code
}

// goesWrong causes failures while the component is connected, and ends each again. It waits for
// the effect, because a connection may take a moment to end.
func (c configStoreCase) goesWrong(
	t *testing.T, exec func(context.Context, ...string) error, failures []wrong,
) {
	t.Helper()
	s := newStores(t)
	s.secret(t, "bundle", map[string]string{"u_key": "alice", "p_key": "multi-pw"})
	putInto(t, c.component(t, "writer", s, c.writer), t.TempDir(), "multi", scenario["multi"])
	side := startSidecar(t, harness.ComponentOptions{}, c.component(t, "credentials", s, nil))
	c.answersAgain(t, side, "credentials")
	for _, f := range failures {
		require.NoError(t, exec(t.Context(), f.begin), f.failure)
		require.EventuallyWithT(t, func(collect *assert.CollectT) {
			r, err := ask(t.Context(), side.daprd, "credentials", "multi")
			require.NoError(collect, err)
			match := codeOf.FindStringSubmatch(r.message)
			require.NotNil(collect, match, r.message)
			require.Equal(collect, f.want.String(), match[1], f.failure)
		}, patience, tick)
		sees(t, c.row, f.failure, f.want.String())
		require.NoError(t, exec(t.Context(), f.end), f.failure)
		c.answersAgain(t, side, "credentials")
	}
	c.requireQuiet(t, side.component.Log())
}

// foreign is a config whose field order and digits can get lost. byDaprd is the result after
// daprd has parsed it: in its HTTP API, and in its gRPC API if the content type is JSON.
const (
	foreign = `{"z":1.0,"a":12345678901234567890,"m":{"yy":1e2,"x":2}}`
	byDaprd = `{"a":12345678901234567000,"m":{"x":2,"yy":100},"z":1}`
)

// writtenBy stores foreign in a store of contrib, which creates its own tables: with our
// command, with daprd's state API, and with the server's own means. It returns what an
// application gets for each. metadata is the store's, and version is daprd's version of it.
func writtenBy(
	t *testing.T, storeType, version string, metadata map[string]any, insert func() error,
) map[string]string {
	t.Helper()
	ours := map[string]any{"configStore": storeType, "environment": "local"}
	if version != "" {
		ours["configStore"] = storeType + "/" + version
	} else {
		version = "v1"
	}
	theirs := map[string]any{"keyPrefix": "none"}
	for name, value := range metadata {
		ours["configStore."+name] = value
		theirs[name] = value
	}
	credentials := credentials("credentials", ours)
	state := resource{name: "state", kind: storeType, metadata: theirs}.yaml()
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	folder := newResourceFolder(t, credentials)
	folder.writeFile(t, "state.yaml", strings.Replace(state, "version: v1", "version: "+version, 1))
	side := &sidecar{component, startDaprd(t, sockets, folder), sockets, folder}

	putInto(t, credentials, t.TempDir(), "ours", foreign)
	saveHTTP(t, side, "http", foreign)
	for guid, contentType := range map[string]string{"grpc": "", "grpc-json": "application/json"} {
		item := &dapr.SetStateItem{Key: guid, Value: []byte(foreign)}
		if contentType != "" {
			item.Metadata = map[string]string{"contentType": contentType}
		}
		require.NoError(t, side.sdk(t).SaveBulkState(context.Background(), "state", item))
	}
	require.NoError(t, insert())
	got := map[string]string{}
	for _, guid := range []string{"ours", "http", "grpc", "grpc-json", "sql"} {
		r := side.ask(t, "credentials", guid, "format=json")
		assert.Empty(t, r.message, guid)
		got[guid] = r.entries["_value"]
	}
	return got
}
