package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
)

func TestStatusTellsTheStateOfTheBreaker(t *testing.T) {
	assert.Equal(t, NoBreaker, quietGuard(t, Limits{}).state())
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{BreakerFailures: 2, BreakerInterval: time.Minute})
		call, _ := failing(2, credential.Unavailable)
		for _, want := range []Breaker{BreakerClosed, BreakerOpen} {
			_, _ = guarded(t.Context(), g, call)
			assert.Equal(t, want, g.state())
		}
		<-time.After(time.Minute)
		assert.Equal(t, BreakerHalfOpen, g.state())
		_, _ = guarded(t.Context(), g, call)
		assert.Equal(t, BreakerClosed, g.state())
	})
}

func TestStatusTellsWhetherTheStoreWasConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := make(chan struct{})
		c := newConnector(func(context.Context) (countedConn, error) {
			<-up
			return newConn(), nil
		}, ignore)
		o := &Opened[countedConn]{connector: c, guard: quietGuard(t, Limits{}), label: "secretStore"}
		assert.Equal(t, Status{Label: "secretStore"}, o.Status())
		close(up)
		synctest.Wait()
		assert.Equal(t, Status{Label: "secretStore", Connected: true}, o.Status())
		assert.NoError(t, o.Close())
	})
}
