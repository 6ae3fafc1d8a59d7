package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

const (
	canaryPassword = "canary-password"
	canaryPath     = "/canary/path"
)

// openOne opens a store of a type that connects as a test says.
func openOne(
	t *testing.T, opts Options, nearby bool, connect func(context.Context) (countedConn, error),
) (*Opened[countedConn], error) {
	t.Helper()
	one := Type[countedConn]{
		Fields: metadata.MetadataMap{"password": {}, "path": {}}, Paths: []string{"path"}, Nearby: nearby,
		Connect: func(ctx context.Context, _ map[string]string, _ logger.Logger) (countedConn, error) {
			return connect(ctx)
		},
	}
	spec := Spec{
		Label: "secretStore", Type: "secretstores.test",
		Fields: map[string]string{"password": canaryPassword, "PATH": canaryPath},
	}
	if opts.Logger == nil {
		opts.Logger = storetest.DevNull(t)
	}
	o, _, _, err := Open(t.Context(), spec, map[string]Type[countedConn]{"secretstores.test": one}, opts)
	return o, err
}

// refusing is a store that says what it was given when it does not connect.
func refusing(context.Context) (countedConn, error) {
	return countedConn{}, fmt.Errorf("no login by %s at %s", canaryPassword, canaryPath)
}

func TestCommandFailsWhereAComponentWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := storetest.NewLog(t, logger.WarnLevel)
		o, err := openOne(t, Options{Logger: log}, false, refusing)
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, o.Close())
		assert.Contains(t, written.String(), "secretStore (secretstores.test) is not connected yet: see the log at debug level; trying again")
		assert.NotContains(t, written.String(), "canary")

		log, written = storetest.NewLog(t, logger.WarnLevel)
		_, err = openOne(t, Options{Logger: log, FailFast: true}, false, refusing)
		require.EqualError(t, err, "secretStore (secretstores.test): no login by [redacted] at "+canaryPath)
		assert.Empty(t, written.String(), "the command says it")
	})
}

func TestFailureThatNoRetryMendsHoldsNoMetadata(t *testing.T) {
	final := func(ctx context.Context) (countedConn, error) {
		_, err := refusing(ctx)
		return countedConn{}, Permanent(err)
	}
	_, err := openOne(t, Options{}, false, final)
	require.EqualError(t, err, "secretStore (secretstores.test): no login by [redacted] at [redacted]")
}

func TestStoreThatIsGivenUpIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int32
		_, err := openOne(t, Options{FailFast: true}, false, func(ctx context.Context) (countedConn, error) {
			attempts.Add(1)
			return refusing(ctx)
		})
		require.Error(t, err)
		<-time.After(time.Hour)
		assert.EqualValues(t, 1, attempts.Load())
	})
}

func TestOpeningWaitsThreeSecondsForAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o, err := openOne(t, Options{}, false, func(ctx context.Context) (countedConn, error) {
			<-ctx.Done()
			return countedConn{}, ctx.Err()
		})
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(began))
		require.NoError(t, o.Close())
	})
}

// outcomes is an observer that keeps the kinds of failures.
type outcomes struct {
	mu    sync.Mutex
	kinds []credential.Kind
}

func (o *outcomes) StoreCalled(_ context.Context, attempt Attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if attempt.Store == "secretStore" {
		o.kinds = append(o.kinds, credential.KindOf(attempt.Err))
	}
}

func TestStoreOfThisMachineHasNoRetriesAndNoBreaker(t *testing.T) {
	for nearby, want := range map[bool]int{true: 3, false: 2} {
		t.Run(fmt.Sprint("nearby: ", nearby), func(t *testing.T) {
			seen := &outcomes{}
			o, err := openOne(t, Options{Observer: seen, Limits: Limits{Retries: 1, BreakerFailures: 1}}, nearby,
				func(context.Context) (countedConn, error) { return newConn(), nil })
			require.NoError(t, err)
			for range 3 {
				_, err := Use(t.Context(), o, func(context.Context, countedConn) (string, error) {
					return "", Unavailable(errors.New("down"))
				})
				storetest.RequireKind(t, credential.Unavailable, err)
			}
			assert.Len(t, seen.kinds, want)
			require.NoError(t, o.Close())
		})
	}
}

func TestPanicOfAStoreIsReportedAsInternal(t *testing.T) {
	seen := &outcomes{}
	o, err := openOne(t, Options{Observer: seen}, true, func(context.Context) (countedConn, error) { return newConn(), nil })
	require.NoError(t, err)
	_, err = Use(t.Context(), o, func(context.Context, countedConn) (string, error) { panic("canary") })
	storetest.RequireKind(t, credential.Internal, err)
	assert.Equal(t, []credential.Kind{credential.Internal}, seen.kinds)
	require.NoError(t, o.Close())
}
