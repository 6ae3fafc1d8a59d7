package resolver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/resolvertest"
)

// takes returns the hook of a store that takes a time.
func takes(d time.Duration) resolvertest.Hook {
	return func(context.Context) error {
		<-time.After(d)
		return nil
	}
}

// The age of a part counts from when its read began: the stores may have changed since.
func TestCredentialIsAsOldAsTheBeginningOfItsReads(t *testing.T) {
	for _, config := range []string{
		`{"a":"1"}`, `{"credentialSource":"agent","secret-path":"k","a":"k"}`, `{"credentialSource":"agent","a":"k"}`, explicitly(`"a":"${k}"`),
	} {
		synctest.Test(t, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, config)
			stores.Secrets.PutAll(secrets{guid: {"k": "v"}, "k": {"k": "v"}})
			stores.Configs.Before(guid, takes(time.Second))
			stores.Secrets.Before(resolvertest.Any, takes(2*time.Second))
			began := time.Now()
			finished, err := stores.Resolver().Resolve(t.Context(), guid)
			require.NoError(t, err)
			require.Equal(t, 3*time.Second, time.Since(began))
			assert.Equal(t, began, finished.ReadAt, config)
			assert.Equal(t, began.Add(time.Second), finished.NewestAt, config)
		})
	}
}
