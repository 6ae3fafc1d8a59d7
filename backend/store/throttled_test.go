package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"
)

func TestRetryAfterIsANumberOfSeconds(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"2": 2 * time.Second, "99999999999999": MaxRetryAfter, "-1": 0, "": 0, "soon": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		failure := errors.New("throttled")
		err := ThrottledBy(failure, header)
		require.ErrorIs(t, err, failure, header)
		require.Equal(t, want, retryAfter(err), header)
	}
}

func TestRetryWaitsAsLongAsTheStoreSays(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		calls int
		took  time.Duration // 0: the usual pauses
	}{
		"a time within one attempt": {2 * time.Second, 3, 4 * time.Second},
		"longer than one attempt":   {time.Minute, 1, 0},
		"no time":                   {0, 3, 0},
		"a time that has passed":    {-time.Second, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := Limits{Retries: 2, Timeout: 3 * time.Second}
				calls, began, failure := 0, time.Now(), errors.New("throttled")
				_, err := guarded(t.Context(), newGuard(limits, "test", logger.NewLogger("test")), func(context.Context) (int, error) {
					calls++
					return 0, Unavailable(Throttled(failure, test.after))
				})
				require.ErrorIs(t, err, failure)
				require.Equal(t, test.calls, calls)
				if test.took > 0 {
					require.Equal(t, test.took, time.Since(began))
				} else {
					require.Less(t, time.Since(began), time.Second)
				}
			})
		})
	}
}
