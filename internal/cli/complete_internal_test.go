package cli

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTabKeyDoesNotWaitForASilentStore has a store that accepts connections and says nothing,
// and a Component that would wait long for it.
func TestTabKeyDoesNotWaitForASilentStore(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	path := filepath.Join(t.TempDir(), "silent.yaml")
	require.NoError(t, os.WriteFile(path, []byte("kind: Component\nspec: {type: secretstores.credential-resolver, metadata: ["+
		"{name: environment, value: local}, {name: requestTimeout, value: 60s}, {name: storeTimeout, value: 60s}, "+
		"{name: configStore, value: state.redis}, {name: configStore.redisHost, value: '"+listener.Addr().String()+"'}]}\n"), 0o600))

	began := time.Now()
	code, out, _ := runLive(t, "__complete", "get", "-c", path, "")
	assert.Zero(t, code)
	assert.Equal(t, ":4\n", out)
	assert.Less(t, time.Since(began), 10*completionTime)
}

func TestTabKeyOffersALimitedNumberOfGUIDs(t *testing.T) {
	names := make([]string, 2*maxCandidates)
	for i := range names {
		names[i] = "b"
	}
	names[0] = "a"
	assert.Len(t, beginningWith(names, ""), maxCandidates)
	assert.Equal(t, []string{"a"}, beginningWith(names, "a"))
	assert.Empty(t, beginningWith(names, "c"))
}
