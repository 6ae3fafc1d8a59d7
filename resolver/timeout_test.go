package resolver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2, requestTimeout. The clock is the bubble's: no test waits for it.
func TestAStoreThatDoesNotAnswerIsATimeout(t *testing.T) {
	for _, limit := range []struct {
		name          string
		option, after time.Duration
	}{
		{"at the limit that is asked for", 250 * time.Millisecond, 250 * time.Millisecond},
		{"at ten seconds if none is", 0, 10 * time.Second},
		{"at ten seconds if it is nonsense", -time.Second, 10 * time.Second},
	} {
		for _, place := range failingPlaces() {
			t.Run(limit.name+", "+place.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					options := place.fail(t, resolvertest.Block()).Options()
					options.Timeout = limit.option
					begin := time.Now()
					failure := failed(t, resolver.New(options))
					assert.Equal(t, limit.after, time.Since(begin))
					assert.Equal(t, credential.Timeout, failure.Kind)
					assert.Equal(t, place.store, failure.Store)
					assert.True(t, failure.Kind.Retryable())
					assert.ErrorIs(t, failure, context.DeadlineExceeded)
				})
			})
		}
	}
}

func TestTimeoutCoversTheWholeResolution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"a":"k"}`)
		stores.Configs.Before(guid, slow)
		stores.Secrets.Before(guid, slow)
		options := stores.Options()
		options.Timeout = 5 * time.Second
		assert.Equal(t, credential.Timeout, failed(t, resolver.New(options)).Kind)

		options.Timeout = 7 * time.Second
		answer(t, resolver.New(options))
	})
}

func TestShorterCallerDeadlineWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := failingPlaces()[0].fail(t, resolvertest.Block())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := stores.Resolver().Resolve(ctx, guid)
		assert.ErrorIs(t, err, credential.Timeout)
		assert.Equal(t, time.Second, time.Since(begin))
	})
}

func TestCancelledCallerEndsTheResolution(t *testing.T) {
	for _, place := range failingPlaces() {
		t.Run(place.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stores := place.fail(t, resolvertest.Block())
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					synctest.Wait()
					cancel()
				}()
				credential, err := stores.Resolver().Resolve(ctx, guid)
				assert.Nil(t, credential)
				assert.ErrorIs(t, err, context.Canceled)
				assert.Zero(t, stores.Secrets.Running()+stores.Configs.Running())
			})
		})
	}
}

// One failure ends the others, which would be for nothing; and it is the one that
// is told, not those that it ended.
func TestFirstFailureCancelsTheOtherLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l","c":"m"}`)
		stores.Secrets.Before(resolvertest.Any, resolvertest.Block())
		stores.Secrets.Before("l", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: refused}))
		begin := time.Now()
		failure := failed(t, stores.Resolver())
		assert.Zero(t, time.Since(begin))
		assert.Equal(t, credential.Denied, failure.Kind)
		assert.ErrorIs(t, failure, refused)
		assert.Zero(t, stores.Secrets.Running())
	})
}
