package resolver_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// TestLargeCredentialsAreLimited uses a secret store that does not answer while two credentials
// of the maximum size are resolved. A third large one must wait, a small one must not.
func TestLargeCredentialsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := resolvertest.New(t)
		filler := strings.Repeat("x", credential.MaxConfigSize-200)
		for _, guid := range []string{"one", "two", "three"} {
			s.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"bundle","password":"pw","filler":"`+filler+`"}`)
		}
		s.Configs.Put("small", `{"credentialSource":"agent","secret-path":"other","password":"pw"}`)
		s.Secrets.Put("bundle", map[string]string{"pw": "p"})
		s.Secrets.Put("other", map[string]string{"pw": "p"})
		r := resolver.New(s.Options())
		defer r.Close()
		s.Secrets.Before("bundle", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		slow, end := context.WithCancel(t.Context())
		for _, guid := range []string{"one", "two"} {
			go func() { _, _ = r.Resolve(slow, guid) }()
		}
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Resolve(ctx, "three")
		require.ErrorIs(t, err, credential.Unavailable)
		assert.ErrorContains(t, err, "overloaded")
		_, err = r.Resolve(t.Context(), "small")
		require.NoError(t, err)

		end()
		synctest.Wait()
		s.Secrets.Before("bundle", nil)
		_, err = r.Resolve(t.Context(), "three")
		require.NoError(t, err, "the third resolution runs after the others")
	})
}

func TestWaitingLargeCredentialsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := resolvertest.New(t)
		filler := strings.Repeat("x", credential.MaxConfigSize-200)
		s.Configs.Put("large", `{"credentialSource":"agent","secret-path":"bundle","password":"pw","filler":"`+filler+`"}`)
		s.Secrets.Put("bundle", map[string]string{"pw": "p"})
		r := resolver.New(s.Options())
		defer r.Close()
		gate := make(chan struct{})
		s.Secrets.Before("bundle", func(context.Context) error { <-gate; return nil })
		const running, waiting, refused = 2, 16, 10
		outcomes := make(chan error, running+waiting+refused)
		for range cap(outcomes) {
			go func() {
				_, err := r.Resolve(context.Background(), "large")
				outcomes <- err
			}()
			synctest.Wait()
		}
		for range refused {
			assert.ErrorContains(t, <-outcomes, "overloaded")
		}
		assert.Empty(t, outcomes)
		close(gate)
		for range running + waiting {
			assert.NoError(t, <-outcomes)
		}
	})
}

// It is refused at once: there is never as much room.
func TestConfigOfManyMiBIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := resolvertest.New(t)
		s.Configs.Put(guid, `{"a":"`+strings.Repeat("x", 3<<20)+`"}`)
		began := time.Now()
		assert.Equal(t, credential.FailedPrecondition, failed(t, s.Resolver()).Kind)
		assert.Zero(t, time.Since(began))
	})
}
