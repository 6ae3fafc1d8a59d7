package resolver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2, requestTimeout.
func TestAStoreThatDoesNotAnswerIsATimeout(t *testing.T) {
	for _, place := range failingPlaces() {
		t.Run(place.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stores := place.fail(t, resolvertest.Block())
				begin := time.Now()
				failure := failedWithin(t, time.Second, stores.Resolver())
				assert.Equal(t, time.Second, time.Since(begin))
				assert.Equal(t, credential.Timeout, failure.Kind)
				assert.Equal(t, place.store, failure.Store)
				assert.True(t, failure.Kind.Retryable())
				assert.ErrorIs(t, failure, context.DeadlineExceeded)
				assert.Zero(t, stores.Configs.Running())
			})
		})
	}
}

// A read of a secret ends by itself, because other credentials may share it.
func TestAReadOfASecretHasATimeout(t *testing.T) {
	for _, limit := range []struct {
		name          string
		option, after time.Duration
	}{
		{"the one that is set", 250 * time.Millisecond, 250 * time.Millisecond},
		{"ten seconds by default", 0, 10 * time.Second},
		{"ten seconds instead of a negative one", -time.Second, 10 * time.Second},
	} {
		t.Run(limit.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stores := resolvertest.New(t)
				stores.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"p","a":"k"}`)
				stores.Secrets.Before("p", resolvertest.Block())
				options := stores.Options()
				options.Timeout, options.Cache = limit.option, cache.Options{TTL: time.Minute}
				r := resolver.New(options)
				defer r.Close()
				begin := time.Now()
				failure := failed(t, r)
				assert.Equal(t, limit.after-limit.after/20, time.Since(begin))
				assert.Equal(t, credential.Timeout, failure.Kind)
				assert.Zero(t, stores.Secrets.Running())
			})
		})
	}
}

func TestTheDeadlineCoversTheWholeResolution(t *testing.T) {
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
		r := stores.Resolver()
		assert.Equal(t, credential.Timeout, failedWithin(t, 5*time.Second, r).Kind)
		answer(t, r)
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

// Otherwise the last good credential would be answered in spite of the refusal.
func TestPermanentFailureWinsOverAnEarlierOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l","c":"m"}`)
		stores.Secrets.Before("k", resolvertest.Fail(credential.Unavailable))
		for name, kind := range map[string]credential.Kind{"l": credential.Denied, "m": credential.Unavailable} {
			stores.Secrets.Before(name, func(context.Context) error {
				<-time.After(time.Second)
				return kind
			})
		}
		assert.Equal(t, credential.Denied, failed(t, stores.Resolver()).Kind)
	})
}

// The queue in front of a store that sheds one call of a resolution takes no other call of it.
func TestShedLookupEndsTheOtherLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, held, _ := wide(30)
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, config)
		stores.Secrets.PutAll(held)
		stores.Secrets.Before(resolvertest.Any, resolvertest.Block())
		stores.Secrets.Before("name-00", resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable, Err: credential.ErrOverloaded}))
		begin := time.Now()
		assert.ErrorIs(t, failed(t, stores.Resolver()), credential.ErrOverloaded)
		assert.Zero(t, time.Since(begin))
		assert.LessOrEqual(t, len(stores.Secrets.Asked()), 9)
	})
}

// The first failure cancels the other lookups. The error is the first failure, not one of the
// cancelled lookups.
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
