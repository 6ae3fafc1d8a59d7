package store

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A connector may become ready and end between await's two selects: the second one
// then takes either at random.
func TestAwaitNeverMissesAStoreThatIsConnected(t *testing.T) {
	for range 300_000 {
		l := newConnector(func(context.Context) (countedConn, error) { return countedConn{}, nil }, ignore)
		_, err := l.await(t.Context())
		require.NoError(t, err)
	}
}
