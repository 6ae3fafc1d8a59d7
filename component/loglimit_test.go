package component_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/resolvertest"
)

func TestLinesOfFailedRequestsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logtext.Text{}
		store := component.On(log.Logger(t.Name()), component.NewMetrics(prometheus.NewRegistry()), resolvertest.New(t).Options())
		defer func() { require.NoError(t, store.Close()) }()
		ask := func(guid string, n int) {
			for range n {
				_, err := get(store, guid)
				require.Error(t, err)
			}
		}
		lines := func(text string) int { return strings.Count(log.String(), text) }

		ask("missing", 1000)
		assert.Equal(t, 20, lines("no such credential"))
		ask("not a guid", 3)
		assert.Equal(t, 3, lines("malformed GUID"), "each kind has its own limit")

		<-time.After(11 * time.Second)
		assert.Equal(t, 1, lines(fmt.Sprintf("NotFound: %d more requests failed with this code", 980)))
		assert.Zero(t, lines("InvalidArgument: 0 more"), "written lines must not be counted as suppressed")
		ask("missing", 25)
		assert.Equal(t, 40, lines("no such credential"), "the next interval has a new limit")
		require.NoError(t, store.Close())
		assert.Equal(t, 1, lines(fmt.Sprintf("NotFound: %d more requests failed with this code", 5)), "suppressed lines must be reported at the end")
		before := lines("malformed GUID")
		require.NotPanics(t, func() { ask("not a guid", 1) })
		assert.Equal(t, before+1, lines("malformed GUID"), "a call may end after Close")
	})
}
