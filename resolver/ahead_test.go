package resolver_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// secondResolution is a credential that was resolved once and is being resolved a second time.
type secondResolution struct {
	stores *resolvertest.Stores
	r      *resolver.Resolver

	asked  int             // secrets read by the first resolution
	config chan<- struct{} // closing it lets the config be read
	done   chan error
	got    string
}

// resolveAgain resolves a credential, applies change, and starts a second resolution. The
// config store blocks until end is called.
func resolveAgain(t *testing.T, config string, held secrets, change func(*resolvertest.Stores)) *secondResolution {
	a := &secondResolution{stores: resolvertest.New(t), done: make(chan error)}
	a.stores.Configs.Put(guid, config)
	a.stores.Secrets.PutAll(held)
	a.r = a.stores.Resolver()
	answer(t, a.r)
	a.asked = len(a.stores.Secrets.Asked())
	change(a.stores)
	a.config = a.stores.Configs.Hold()
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), resolver.DefaultTimeout)
		defer cancel()
		credential, err := a.r.Resolve(ctx, guid)
		if err == nil {
			a.got = resolvertest.JSON(t, credential.Fields)
		}
		a.done <- err
	}()
	synctest.Wait()
	return a
}

// read returns the secrets that the second resolution has read, sorted.
func (a *secondResolution) read() []string {
	return slices.Sorted(slices.Values(a.stores.Secrets.Asked()[a.asked:]))
}

// end lets the config be read, and returns the error of the second resolution.
func (a *secondResolution) end() error {
	close(a.config)
	return <-a.done
}

func unchanged(*resolvertest.Stores) {}

func someSecrets() secrets {
	return secrets{guid: {"b": "v"}, "p": {"k": "v"}, "k": {"k": "v"}, "l": {"l": "v"}}
}

func TestPrefetchReadsKnownSecretsWithTheConfig(t *testing.T) {
	for name, row := range map[string]struct {
		config         string
		prefetch, read []string // while the config is still being read, and in total
	}{
		"direct":        {`{"a":"1"}`, []string{guid}, []string{guid}},
		"a bundle":      {`{"credentialSource":"agent","secret-path":"p","a":"k"}`, []string{"p"}, []string{"p"}},
		"single-key":    {`{"credentialSource":"agent","a":"k","extra":{"b":"l"}}`, []string{"k", "l"}, []string{"k", "l"}},
		"with literals": {`{"credentialSource":"agent","a":"k","b":"no"}`, []string{"k"}, []string{"k", "no"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := resolveAgain(t, row.config, someSecrets(), unchanged)
				assert.Equal(t, row.prefetch, a.read())
				require.NoError(t, a.end())
				assert.Equal(t, row.read, a.read(), "each secret is read once")
				assert.Equal(t, answer(t, a.stores.Resolver()), a.got)
			})
		})
	}
}

func TestPrefetchedSecretsNeedTheSameConfig(t *testing.T) {
	for name, row := range map[string]struct{ config, want string }{
		"other names":    {`{"credentialSource":"agent","a":"l"}`, `{"credentialSource":"agent","a":"v"}`},
		"the same names": {`{"credentialSource":"agent","b":"k"}`, `{"credentialSource":"agent","b":"v"}`},
		"another mode": {
			`{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			`{"credentialSource":"agent","secret-path":"p","a":"v"}`,
		},
		"direct": {`{"a":"k"}`, `{"a":"k","b":"v"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := resolveAgain(t, `{"credentialSource":"agent","a":"k","b":"no"}`, someSecrets(), func(s *resolvertest.Stores) {
					s.Configs.Put(guid, row.config)
					s.Secrets.Before("k", resolvertest.OnlyTheFirst(resolvertest.Fail(credential.Unavailable)))
				})
				require.Equal(t, []string{"k"}, a.read())
				require.NoError(t, a.end())
				assert.Equal(t, row.want, a.got)
			})
		})
	}
}

func TestFailedPrefetchFailsTheResolution(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*resolvertest.Stores)
		want   credential.Kind
	}{
		"the store refuses":      {func(s *resolvertest.Stores) { s.Secrets.Before("k", resolvertest.Fail(credential.Denied)) }, credential.Denied},
		"the store panics":       {func(s *resolvertest.Stores) { s.Secrets.Before("k", resolvertest.Panic("v")) }, credential.Internal},
		"a secret is gone":       {func(s *resolvertest.Stores) { s.Secrets.Before("k", resolvertest.Fail(Missing())) }, credential.NotFound},
		"the config is gone":     {func(s *resolvertest.Stores) { s.Configs.Delete(guid) }, credential.NotFound},
		"the config store fails": {func(s *resolvertest.Stores) { s.Configs.Before(guid, resolvertest.Fail(credential.Unavailable)) }, credential.Unavailable},
		"it takes too long":      {func(s *resolvertest.Stores) { s.Secrets.Before("k", resolvertest.Block()) }, credential.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := resolveAgain(t, `{"credentialSource":"agent","a":"k"}`, someSecrets(), row.change)
				err := a.end()
				require.Error(t, err)
				assert.Equal(t, row.want, credential.KindOf(err))
				assert.Equal(t, []string{"k"}, a.read(), "an unchanged config causes no second read")
			})
		})
	}
}

// While the config store is down, or while the config is broken, the secret store receives one
// read per credential.
func TestNoPrefetchAfterAFailedConfig(t *testing.T) {
	for name, row := range map[string]struct {
		config string
		err    error
	}{
		"the store is down":   {`{"a":"1"}`, credential.Unavailable},
		"it is broken":        {"{", nil},
		"another one fails":   {`{"credentialSource":"agent","secret-path":"none"}`, nil},
		"another one is none": {`{"credentialSource":"agent","secret-path":1}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := resolveAgain(t, `{"a":"1"}`, someSecrets(), func(s *resolvertest.Stores) {
					s.Configs.Put(guid, row.config)
					s.Configs.Before(guid, func(context.Context) error {
						<-time.After(time.Millisecond) // time enough for a prefetch
						return row.err
					})
				})
				require.Error(t, a.end())
				for range 3 {
					_ = failed(t, a.r)
				}
				assert.Equal(t, []string{guid}, slices.DeleteFunc(a.read(), func(name string) bool { return name == "none" }))
			})
		})
	}
}

// While a store of secrets is down, what to prefetch is known for when it is back.
func TestPrefetchAfterAFailedSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := resolveAgain(t, `{"credentialSource":"agent","a":"k","b":"l"}`, someSecrets(), func(s *resolvertest.Stores) {
			s.Secrets.Before("k", resolvertest.Fail(credential.Unavailable))
		})
		require.Error(t, a.end())
		a.stores.Secrets.Before("k", nil)
		before := len(a.stores.Secrets.Asked())
		gate := a.stores.Configs.Hold()
		go func() {
			_, err := a.r.Resolve(t.Context(), guid)
			a.done <- err
		}()
		synctest.Wait()
		assert.ElementsMatch(t, []string{"k", "l"}, a.stores.Secrets.Asked()[before:])
		close(gate)
		require.NoError(t, <-a.done)
	})
}

func TestPrefetchReadsEightSecretsAtATime(t *testing.T) {
	for _, secrets := range []int{8, 9, 30} {
		synctest.Test(t, func(t *testing.T) {
			config, held, names := wide(secrets)
			a := resolveAgain(t, config, held, func(s *resolvertest.Stores) {
				s.Secrets.Before(resolvertest.Any, takes(time.Second))
			})
			<-time.After(3 * time.Second)
			assert.Len(t, a.read(), 8, "and no more before the config is there")
			require.NoError(t, a.end())
			assert.Equal(t, names, a.read(), "each secret is read once")
			assert.Equal(t, 8, a.stores.Secrets.Peak())
		})
	}
}

// A prefetch that nobody needs is cancelled, and its calls to the stores too.
func TestPrefetchEndsWithTheResolution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := resolveAgain(t, `{"a":"1"}`, someSecrets(), func(s *resolvertest.Stores) {
			s.Configs.Delete(guid)
			s.Secrets.Before(guid, resolvertest.Block())
		})
		began := time.Now()
		require.Error(t, a.end())
		assert.Zero(t, a.stores.Secrets.Running())
		assert.Zero(t, time.Since(began), "the resolution must not wait for the prefetch")
	})
}
