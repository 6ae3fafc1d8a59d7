package store

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A connector may become ready and then close between the two selects of await. The second
// select then has two ready cases and picks one at random.
func TestAwaitNeverMissesAStoreThatIsConnected(t *testing.T) {
	for range 300_000 {
		l := newConnector(func(context.Context) (countedConn, error) { return countedConn{}, nil }, ignore)
		_, err := l.await(t.Context())
		require.NoError(t, err)
	}
}
