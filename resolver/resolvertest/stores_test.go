package resolvertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestFakesAnswerWhatWasPut(t *testing.T) {
	stores := resolvertest.New(t)
	entries := map[string]string{"k": "v"}
	stores.Configs.Put("g", `{"a":1}`)
	stores.Secrets.Put("s", entries)
	entries["k"] = "changed"

	text, err := stores.Configs.Config(t.Context(), "g")
	require.NoError(t, err)
	assert.Equal(t, `{"a":1}`, string(text))
	got, err := stores.Secrets.Secret(t.Context(), "s")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "v"}, got)
	got["k"] = "changed"
	got, err = stores.Secrets.Secret(t.Context(), "s")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "v"}, got)

	guids, err := stores.Configs.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"g"}, guids)

	stores.Configs.Delete("g")
	stores.Secrets.Delete("s")
	_, err = stores.Configs.Config(t.Context(), "g")
	assert.ErrorIs(t, err, credential.NotFound)
	_, err = stores.Secrets.Secret(t.Context(), "s")
	assert.ErrorIs(t, err, credential.NotFound)
	assert.Equal(t, []string{"g", resolvertest.Listing, "g"}, stores.Configs.Asked())
	assert.Equal(t, []string{"s", "s", "s"}, stores.Secrets.Asked())
	assert.Equal(t, 1, stores.Secrets.Peak())
	assert.Zero(t, stores.Secrets.Running())
}

func TestFakesFailWhereTold(t *testing.T) {
	refused := errors.New("refused")
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(map[string]map[string]string{"s": {"k": "v"}, "t": {"k": "v"}})
	stores.Secrets.Before(resolvertest.Any, resolvertest.Fail(refused))
	stores.Secrets.Before("t", func(context.Context) error { return nil })
	_, err := stores.Secrets.Secret(t.Context(), "s")
	assert.Equal(t, refused, err)
	stores.Configs.Before(resolvertest.Listing, resolvertest.Fail(refused))
	_, err = stores.Configs.List(t.Context())
	assert.Equal(t, refused, err)
	_, err = stores.Secrets.Secret(t.Context(), "t")
	assert.NoError(t, err, "a name's own hook takes precedence over Any")

	stores.Secrets.Before("s", resolvertest.Panic("boom"))
	assert.PanicsWithValue(t, "boom", func() { _, _ = stores.Secrets.Secret(t.Context(), "s") })
	assert.Zero(t, stores.Secrets.Running(), "a call that panicked must have ended")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stores.Secrets.Before("s", resolvertest.Block())
	_, err = stores.Secrets.Secret(ctx, "s")
	assert.Equal(t, context.Canceled, err)
}

func TestHeldCallsWaitForRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := resolvertest.New(t)
		stores.Configs.Put("g", `{}`)
		gate := stores.Configs.Hold()
		done := make(chan error)
		go func() {
			_, err := stores.Configs.Config(t.Context(), "g")
			done <- err
		}()
		synctest.Wait()
		assert.Equal(t, 1, stores.Configs.Running())
		gate <- struct{}{}
		assert.NoError(t, <-done)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := stores.Configs.Config(ctx, "g")
		assert.Equal(t, context.Canceled, err, "a cancelled call ends")
	})
}

func TestANamedStoreHasAGrammar(t *testing.T) {
	var store resolver.SecretStore = resolvertest.New(t).Secrets
	_, isNamer := store.(resolver.Namer)
	assert.False(t, isNamer)

	named := resolvertest.New(t).Secrets.Named(func(name string) bool { return name == "s" }, true)
	assert.True(t, named.ValidName("s"))
	assert.False(t, named.ValidName("t"))
	assert.True(t, named.LeadingSlash())
}

func TestAVersionedStoreAnswersEachVersion(t *testing.T) {
	refused := errors.New("refused")
	secrets := resolvertest.New(t).Secrets
	versioned := secrets.Versioned(func(string) error { return refused })
	secrets.Put("s@2", map[string]string{"v": "two"})
	entries, err := versioned.SecretVersion(t.Context(), "s", "2")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"v": "two"}, entries)
	_, err = versioned.SecretVersion(t.Context(), "s", "1")
	require.ErrorIs(t, err, credential.NotFound)
	assert.Equal(t, refused, versioned.CheckVersion("2"))
}
