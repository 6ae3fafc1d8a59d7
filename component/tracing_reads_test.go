package component_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	otel "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"credential-resolver/component"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// A fake store does not report its calls, so the test does.
func TestASharedReadBelongsToTheRequestThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, made := newFakeStores(t), newSpans(t)
		s.settings.Cache = cache.DefaultOptions()
		s.put("c", "one")
		s.Secrets.Before(resolvertest.Any, func(ctx context.Context) error {
			assert.False(t, trace.SpanContextFromContext(ctx).IsValid(), "a library of the store would add its own spans")
			<-time.After(time.Second)
			made.Observe(ctx, component.Event{Kind: component.StoreCalled, Store: "secretStore", Took: time.Second})
			return nil
		})
		store := component.OnSettings(s.log.Logger(t.Name()), component.NewMetrics(s.metrics), s.Options(), s.settings, made.Tracing)
		defer func() { require.NoError(t, store.Close()) }()
		began := time.Now()
		for range 2 {
			go func() { _, _ = get(store, "c") }()
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Second)
		all := made.take()
		requests, calls := named(all, "resolve"), named(all, "secretStore")
		require.Len(t, requests, 2)
		require.Len(t, calls, 1)
		for _, request := range requests {
			first := request.StartTime.Equal(began)
			assert.Equal(t, first, request.SpanContext.SpanID() == calls[0].Parent.SpanID())
		}
		assert.Equal(t, began, calls[0].StartTime)
		assert.Equal(t, began.Add(time.Second), calls[0].EndTime)

		<-time.After(57 * time.Second)
		_, err := get(store, "c")
		require.NoError(t, err)
		<-time.After(time.Second)
		synctest.Wait()
		all = made.take()
		refresh, calls := named(all, "refresh"), named(all, "secretStore")
		require.Len(t, refresh, 1)
		assert.False(t, refresh[0].Parent.IsValid(), "no request waits for it")
		assert.Equal(t, trace.SpanKindInternal, refresh[0].SpanKind)
		assert.Equal(t, map[string]string{
			"credential_resolver.component": "", "credential_resolver.guid": "c",
			"credential_resolver.source": "agent", "credential_resolver.mode": "multi-key",
		}, attributes(refresh[0]))
		require.Len(t, calls, 1)
		assert.Equal(t, refresh[0].SpanContext.SpanID(), calls[0].Parent.SpanID())
	})
}

func TestASpanSaysThatTheAnswerIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, made := newFakeStores(t), newSpans(t)
		s.settings.Cache = cache.DefaultOptions()
		s.put("c", "one")
		store := component.OnSettings(s.log.Logger(t.Name()), component.NewMetrics(s.metrics), s.Options(), s.settings, made.Tracing)
		defer func() { require.NoError(t, store.Close()) }()
		_, err := get(store, "c")
		require.NoError(t, err)
		assert.NotContains(t, attributes(made.take()[0]), "credential_resolver.stale")
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		<-time.After(2 * time.Minute)
		_, err = get(store, "c")
		require.NoError(t, err)
		request := named(made.take(), "resolve")[0]
		assert.Equal(t, "Unavailable", attributes(request)["credential_resolver.stale"])
		assert.Equal(t, "120", attributes(request)["credential_resolver.age"])
		assert.Equal(t, otel.Unset, request.Status.Code)
	})
}
