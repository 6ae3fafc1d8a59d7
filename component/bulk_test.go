package component_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// fakeStores holds the fakes of resolvertest and a component on them. Its config store can list
// credentials.
type fakeStores struct {
	*resolvertest.Stores
	*fileStores

	settings component.Settings
}

func newFakeStores(t *testing.T) *fakeStores {
	t.Helper()
	return &fakeStores{
		Stores:     resolvertest.New(t),
		fileStores: &fileStores{t: t, log: &logtext.Text{}, metrics: prometheus.NewRegistry()},
		settings:   component.Settings{Format: component.Flat, RequestTimeout: resolver.DefaultTimeout, AllowBulk: true},
	}
}

func (s *fakeStores) store() *component.SecretStore { return s.storeLogging(s.log.Logger(s.t.Name())) }

func (s *fakeStores) storeLogging(log logger.Logger) *component.SecretStore {
	store := component.OnSettings(log, component.NewMetrics(s.metrics), s.Options(), s.settings)
	s.t.Cleanup(func() { assert.NoError(s.t, store.Close()) })
	return store
}

// put stores an agent credential whose bundle has one secret.
func (s *fakeStores) put(guid, secret string) {
	s.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"of-`+guid+`","password":"pw"}`)
	s.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

// bulk requests all credentials. metadata alternates names and values.
func bulk(store secretstores.SecretStore, metadata ...string) (map[string]map[string]string, error) {
	req := secretstores.BulkGetSecretRequest{Metadata: map[string]string{}}
	for i := 0; i+1 < len(metadata); i += 2 {
		req.Metadata[metadata[i]] = metadata[i+1]
	}
	resp, err := store.BulkGetSecret(context.Background(), req)
	return resp.Data, err
}

func TestEveryCredentialIsAnsweredByItsGUID(t *testing.T) {
	s := newFakeStores(t)
	s.Configs.Put("direct-1", `{"user":"u","port":5432,"none":null}`)
	s.Configs.Put("nothing", `{"none":null}`)
	s.put("Agent_2", "s3cret")
	s.Configs.Put("not.a.guid", `{"user":"u"}`)
	flat := map[string]map[string]string{
		"direct-1": {"user": "u", "port": "5432"},
		"nothing":  {},
		"Agent_2":  {"credentialSource": "agent", "secret-path": "of-Agent_2", "password": "s3cret"},
	}
	json := map[string]map[string]string{
		"direct-1": {"_value": `{"user":"u","port":5432,"none":null}`},
		"nothing":  {"_value": `{"none":null}`},
		"Agent_2":  {"_value": `{"credentialSource":"agent","secret-path":"of-Agent_2","password":"s3cret"}`},
	}
	cases := map[string]struct {
		byDefault component.Format
		metadata  []string
		want      map[string]map[string]string
	}{
		"flat by default":           {component.Flat, nil, flat},
		"JSON by default":           {component.JSON, nil, json},
		"JSON if asked for":         {component.Flat, []string{"format", "json"}, json},
		"flat if asked for":         {component.JSON, []string{"format", "flat"}, flat},
		"flat for daprd":            {component.JSON, []string{"namespace", "default"}, flat},
		"only those with the field": {component.Flat, []string{"fields", "user"}, map[string]map[string]string{"direct-1": {"user": "u"}}},
		"only those with the field, as JSON": {
			component.Flat, []string{"fields", "user", "format", "json"}, map[string]map[string]string{"direct-1": {"_value": `{"user":"u"}`}},
		},
		"only those with all fields": {component.Flat, []string{"fields", "user,password"}, map[string]map[string]string{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s.settings.Format = tc.byDefault
			s.metrics = prometheus.NewRegistry()
			data, err := bulk(s.store(), tc.metadata...)
			require.NoError(t, err)
			assert.Equal(t, tc.want, data)
			assert.Equal(t, 1.0, s.counted()["credential_resolver_requests_total{OK}"])
			assert.Equal(t, float64(len(flat)-len(tc.want)), s.counted()["credential_resolver_bulk_left_out_total{InvalidArgument}"])
		})
	}
}

func TestWithoutCredentialsTheAnswerIsEmpty(t *testing.T) {
	data, err := bulk(newFakeStores(t).store())
	require.NoError(t, err)
	assert.Equal(t, map[string]map[string]string{}, data, "want an empty map, not nil")
}

func TestAWrongBulkRequestIsRefusedBeforeAnyStoreIsAsked(t *testing.T) {
	for name, says := range map[string]string{
		"formt": "unknown request metadata", "explain": `metadata.explain must be "true" or "false"`,
		"format": "metadata.format must be", "fields": "metadata.fields has an empty name",
	} {
		s := newFakeStores(t)
		data, err := bulk(s.store(), name, map[string]string{"fields": ","}[name])
		assert.Nil(t, data)
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		require.ErrorContains(t, err, "desc = credential: "+says)
		assert.Empty(t, s.Configs.Asked())
	}
}

// slow is the hook of a store that takes a second.
func slow(ctx context.Context) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestBulkResolvesEightAtATimeWithinOneTimeout(t *testing.T) {
	cases := map[string]struct {
		limit, took time.Duration
		code        codes.Code
	}{
		"in time":  {10 * time.Second, 3 * time.Second, codes.OK},
		"too late": {1500 * time.Millisecond, 1500 * time.Millisecond, codes.DeadlineExceeded},
		"too late, at the moment when others end": {2 * time.Second, 2 * time.Second, codes.DeadlineExceeded},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFakeStores(t)
				s.settings.RequestTimeout = tc.limit
				for i := range 20 {
					s.put(fmt.Sprint("c", i), "s")
				}
				s.Secrets.Before(resolvertest.Any, slow)
				begin := time.Now()
				data, err := bulk(s.store())
				assert.Equal(t, tc.code, status.Code(err), "%v", err)
				assert.Equal(t, tc.took, time.Since(begin))
				assert.Equal(t, 8, s.Secrets.Peak())
				if err == nil {
					assert.Len(t, data, 20)
				}
			})
		})
	}
}

// Each call may be in time while all together are not.
func TestBulkRequestThatTimesOutHasNoPartialAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		cancel func(context.Context) (context.Context, context.CancelFunc)
		code   codes.Code
	}{
		"out of time": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Now())
		}, codes.DeadlineExceeded},
		"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeStores(t)
			s.put("c", "s")
			ctx, cancel := tc.cancel(t.Context())
			defer cancel()
			resp, err := s.store().BulkGetSecret(ctx, secretstores.BulkGetSecretRequest{})
			assert.Nil(t, resp.Data)
			require.Equal(t, tc.code, status.Code(err))
			assert.ErrorContains(t, err, "not all credentials were resolved in time")
		})
	}
}
