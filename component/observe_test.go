package component_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// recorder is an observer that records the events.
type recorder struct {
	mu     sync.Mutex
	events []component.Event
}

var _ component.Observer = (*recorder)(nil)

func (r *recorder) Observe(_ context.Context, e component.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// take returns the events of a kind since the last call, and discards all others.
func (r *recorder) take(kind component.EventKind) []component.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var taken []component.Event
	for _, e := range r.events {
		if e.Kind == kind {
			taken = append(taken, e)
		}
	}
	r.events = nil
	return taken
}

// all returns the events so far.
func (r *recorder) all() []component.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// observed returns stores whose component records its events.
func observed(t *testing.T) (*fileStores, *recorder) {
	t.Helper()
	w, r := newFileStores(t), &recorder{}
	w.observe(r)
	return w, r
}

func TestAnObserverIsToldOfEachResolution(t *testing.T) {
	w, r := observed(t)
	w.config("c", `{"credentialSource":"agent","password":"`+canary.Reference+`"}`)
	w.secrets(`{"` + canary.Reference + `":{"value":"` + canary.Secret + `"}}`)
	store := w.open(map[string]string{"cacheTTL": "1m"})
	assert.Equal(t, []component.Event{{Kind: component.InstanceCame, Component: "credentials"}}, r.take(component.InstanceCame))

	for _, want := range []struct {
		guid, event string
		code        codes.Code
		cache       component.CacheState
	}{
		{"c", "c", codes.OK, component.CacheMiss},
		{"c", "c", codes.OK, component.CacheHit},
		{"none", "none", codes.NotFound, component.CacheMiss},
		{"none", "none", codes.NotFound, component.CacheNegative},
		{canary.Secret + " ", "", codes.InvalidArgument, component.CacheNone},
	} {
		_, _ = get(store, want.guid)
		events := r.take(component.Resolved)
		require.Len(t, events, 1, want.guid)
		assert.Equal(t, want.event, events[0].GUID)
		assert.Equal(t, want.code, events[0].Code())
		assert.Equal(t, want.cache, events[0].Cache)
		assert.Positive(t, events[0].Took)
		assert.Equal(t, "credentials", events[0].Component)
	}
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	assert.Len(t, r.take(component.InstanceWent), 1)
}

func TestAnObserverIsToldOfEachCredentialOfABulkRequest(t *testing.T) {
	w, r := observed(t)
	w.config("c", `{"credentialSource":"agent","secret-path":"b","password":"pw"}`)
	w.secrets(`{"b":{"pw":"` + canary.Secret + `"}}`)
	store := w.open(map[string]string{"allowBulk": "true", "cacheTTL": "1m"})
	for _, state := range []component.CacheState{component.CacheMiss, component.CacheHit} {
		_, err := bulk(store)
		require.NoError(t, err)
		events := r.take(component.Resolved)
		require.Len(t, events, 1)
		assert.Equal(t, "c", events[0].GUID)
		assert.Equal(t, state, events[0].Cache)
		assert.True(t, events[0].InBulk)
		assert.Positive(t, events[0].Took)
	}
}

func TestAnObserverIsToldOfEachCallToAStore(t *testing.T) {
	w, r := observed(t)
	w.config("c", `{"credentialSource":"agent","password":"`+canary.Reference+`","user":"literal"}`)
	w.secrets(`{"` + canary.Reference + `":{"value":"` + canary.Secret + `"}}`)
	store := w.open(nil)
	_, err := get(store, "c")
	require.NoError(t, err)
	called := map[string]int{}
	for _, e := range r.take(component.StoreCalled) {
		assert.Positive(t, e.Took)
		called[e.Store+" "+e.Code().String()]++
	}
	assert.Equal(t, map[string]int{"configStore OK": 1, "secretStore OK": 1, "secretStore NotFound": 1}, called)
	assert.NotContains(t, w.log.String(), "called", "that is for debug level")
}

func TestAnObserverIsToldOfTheConfigAndOfTheTypesOfTheStores(t *testing.T) {
	w, r := observed(t)
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	store := w.open(nil)
	_, err := get(store, "c")
	require.NoError(t, err)
	for _, e := range r.all() {
		switch e.Kind {
		case component.ConfigRead:
			assert.Equal(t, component.Event{
				Kind: component.ConfigRead, Component: "credentials", GUID: "c", Source: credential.SourceDirect, Mode: credential.MultiKey,
			}, e)
		case component.StoreCalled:
			types := map[string]string{"configStore": "bindings.localstorage", "secretStore": "secretstores.local.file"}
			assert.Equal(t, types[e.Store], e.StoreType)
			assert.Equal(t, 1, e.Attempt)
		default:
		}
	}
}

// withContext is an observer of the contexts of requests that ended.
type withContext func(context.Context)

func (f withContext) Observe(ctx context.Context, e component.Event) {
	if e.Kind == component.Resolved {
		f(ctx)
	}
}

// A trace finds its parent there.
func TestAnObserverGetsTheContextOfTheRequest(t *testing.T) {
	type key struct{}
	w := newFileStores(t)
	var got any
	w.observe(withContext(func(ctx context.Context) { got = ctx.Value(key{}) }))
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	_, err := w.open(nil).GetSecret(context.WithValue(t.Context(), key{}, "of the request"), secretstores.GetSecretRequest{Name: "c"})
	require.NoError(t, err)
	assert.Equal(t, "of the request", got)
}

func TestTheEventOfAFailedCallHasItsCause(t *testing.T) {
	w, r := observed(t)
	store := w.open(nil) // and no file of secrets
	w.secrets(`{"b":{}}`)
	w.config("c", `{"credentialSource":"agent","secret-path":"b"}`)
	require.Eventually(t, func() bool {
		_, err := get(store, "c")
		return status.Code(err) == codes.NotFound
	}, patience, tick)
	r.take(component.StoreCalled)
	w.secrets(`not JSON`)
	_, err := get(store, "c")
	require.Error(t, err)
	for _, e := range r.take(component.StoreCalled) {
		if e.Store == "secretStore" {
			assert.Equal(t, "the secrets file is not valid JSON: line 1", e.Err.Remedy())
			return
		}
	}
	assert.Fail(t, "the secret store was not called")
}

// An observer may log an event, in any format.
func TestEventsPrintNoSecretAndNoReference(t *testing.T) {
	w, r := observed(t)
	w.config("c", `{"credentialSource":"agent","password":"pw","key":"`+canary.Reference+`"}`)
	w.config("bundle", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`-none"}`)
	w.config("odd", `{"credentialSource":"`+canary.Secret+`"}`)
	w.secrets(`{"pw":{"value":"` + canary.Secret + `"},"` + canary.Reference + `":{"a":"` + canary.Secret + `","b":"x"}}`)
	store := w.open(map[string]string{"allowBulk": "true", "cacheTTL": "1m"})
	for _, guid := range []string{"c", "bundle", "odd", "none", canary.Secret + " "} {
		_, _ = get(store, guid)
	}
	_, err := bulk(store)
	require.NoError(t, err)
	_, err = bulk(store, "fields", "none")
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Dir(w.file)))
	_, _ = get(store, "c", "refresh", "true")

	events := r.all()
	canary.AssertNone(t, fmt.Sprintf("%v %+v %#v", events, events, events))
	seen := map[component.EventKind]bool{}
	for _, e := range events {
		seen[e.Kind] = true
		if e.Kind == component.UnusedSecret {
			assert.Equal(t, credential.Reference(canary.Reference), e.Unused[0].Secret, "an audit log needs the reference to hash it")
		}
	}
	for kind := component.Resolved; kind <= component.InstanceWent; kind++ {
		switch kind {
		case component.Saved, component.Refreshed, component.ServedStale, component.InstanceWent: // tested elsewhere
		default:
			assert.True(t, seen[kind], "kind %d", kind)
		}
	}
}

// waited returns, for each request with a stale answer, whether it waited for a store.
func waited(events []component.Event) []bool {
	var waited []bool
	for _, e := range events {
		if e.Kind == component.Resolved && e.Cache == component.CacheStale {
			waited = append(waited, e.Waited)
		}
	}
	return waited
}

func TestAStaleAnswerThatWaitedIsNoHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newFakeStores(t), &recorder{}
		s.settings.Cache = cache.DefaultOptions()
		s.put("c", "one")
		store := component.OnSettings(s.log.Logger(t.Name()), component.NewMetrics(s.metrics), s.Options(), s.settings, r)
		defer func() { require.NoError(t, store.Close()) }()
		_, err := get(store, "c")
		require.NoError(t, err)
		<-time.After(2 * time.Minute) // nothing has noticed the outage
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		for range 2 {
			_, err = get(store, "c")
			require.NoError(t, err)
		}
		assert.Equal(t, []bool{true, false}, waited(r.all()))
		assert.Equal(t, 1.0, s.counted()["credential_resolver_cache_hits_total{}"])
		synctest.Wait()
	})
}

func TestAnObserverIsToldOfRefreshesAndStaleAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newFakeStores(t), &recorder{}
		s.settings.Cache = cache.DefaultOptions()
		s.put("c", "one")
		store := component.OnSettings(s.log.Logger(t.Name()), component.NewMetrics(s.metrics), s.Options(), s.settings, r)
		defer func() { require.NoError(t, store.Close()) }()
		ask := func(after time.Duration) {
			<-time.After(after)
			_, err := get(store, "c")
			require.NoError(t, err)
			synctest.Wait()
		}
		ask(0)
		assert.Empty(t, r.take(component.Refreshed))
		ask(59 * time.Second)
		assert.Equal(t, []component.Event{{Kind: component.Refreshed, GUID: "c"}}, r.take(component.Refreshed))

		s.Secrets.Before(resolvertest.Any, func(context.Context) error {
			<-time.After(time.Second)
			return credential.Unavailable
		})
		ask(59 * time.Second)
		<-time.After(time.Second)
		synctest.Wait()
		failed := r.take(component.Refreshed)
		require.Len(t, failed, 1)
		assert.Equal(t, codes.Unavailable, failed[0].Code())
		assert.Equal(t, time.Second, failed[0].Took)

		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		ask(0)
		ask(time.Second)
		events := r.all()
		assert.Equal(t, []bool{false, false}, waited(events), "the last refresh had failed already")
		stale := r.take(component.ServedStale)
		require.Len(t, stale, 2)
		for i, e := range stale {
			assert.Equal(t, "c", e.GUID)
			assert.Equal(t, codes.Unavailable, e.Code())
			assert.Equal(t, time.Minute+time.Duration(i)*time.Second, e.Age)
			assert.Equal(t, i == 0, e.First)
		}
	})
}
