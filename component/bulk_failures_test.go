package component_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestACredentialThatCannotBeResolvedIsLeftOut(t *testing.T) {
	refuse := func(kind credential.Kind) resolvertest.Hook {
		return resolvertest.Fail(&credential.StoreError{Kind: kind, Err: errors.New(canary.Path + canary.Secret)})
	}
	cases := map[string]struct {
		config string
		hook   resolvertest.Hook // of its bundle
		code   codes.Code
	}{
		"its bundle is missing":                    {`{"credentialSource":"agent","secret-path":"` + canary.Reference + `"}`, nil, codes.NotFound},
		"its config is not an object":              {`["` + canary.Secret + `"]`, nil, codes.FailedPrecondition},
		"nothing in it is replaced":                {`{"credentialSource":"agent","a":"` + canary.Secret + `"}`, nil, codes.FailedPrecondition},
		"it asks for a secret that is not allowed": {`{"credentialSource":"agent","a":"secret/` + canary.Reference + `"}`, nil, codes.PermissionDenied},
		"the store refuses":                        {`{"password":"` + canary.Secret + `"}`, refuse(credential.Denied), codes.PermissionDenied},
		"the store has an internal error":          {`{"password":"` + canary.Secret + `"}`, refuse(credential.Internal), codes.Internal},
		"the store panics":                         {`{"password":"` + canary.Secret + `"}`, resolvertest.Panic(canary.Secret), codes.Internal},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newFakeStores(t)
			s.put("first", "1")
			s.put("last", "2")
			s.Configs.Put("middle", tc.config)
			s.Secrets.Before("middle", tc.hook)
			opts := s.Options()
			opts.Allowed = func(name string) bool { return !strings.HasPrefix(name, "secret/") }
			store := component.OnSettings(s.log.Logger(t.Name()), component.NewMetrics(s.metrics), opts, s.settings)

			data, err := bulk(store)

			require.NoError(t, err)
			require.Len(t, data, 2)
			assert.Equal(t, "1", data["first"]["password"])
			assert.Equal(t, "2", data["last"]["password"])
			assert.Equal(t, map[string]float64{
				"credential_resolver_requests_total{OK}":                            1,
				"credential_resolver_bulk_left_out_total{" + tc.code.String() + "}": 1,
				"credential_resolver_unknown_source_total{}":                        0,
				"credential_resolver_unused_secrets_total{}":                        0,
				"credential_resolver_stale_answers_total{}":                         0,
				"credential_resolver_cache_hits_total{}":                            0,
				"credential_resolver_refreshes_total{OK}":                           0,
			}, s.counted())
			log := s.log.String()
			assert.Equal(t, 1, strings.Count(log, "level=warning"), log)
			assert.Contains(t, log, tc.code.String()+`: credential \"middle\": `)
			assert.Contains(t, log, "left out of a bulk answer")
			canary.AssertNone(t, log)
		})
	}
}

func TestACredentialThatIsTooLargeAloneIsLeftOut(t *testing.T) {
	s := newFakeStores(t)
	s.put("fine", "1")
	s.put("large", canary.Secret+strings.Repeat("x", component.MaxAnswer))
	data, err := bulk(s.store())
	require.NoError(t, err)
	assert.Len(t, data, 1)
	assert.Equal(t, 1.0, s.counted()["credential_resolver_bulk_left_out_total{ResourceExhausted}"])
	canary.AssertNone(t, s.log.String())
}

func TestGUIDsThatAreTooLargeTogetherAreNotResolved(t *testing.T) {
	s := newFakeStores(t)
	for i := range component.MaxAnswer/128 + 1 {
		s.Configs.Put(fmt.Sprintf("%0128d", i), `{}`)
	}
	data, err := bulk(s.store())
	assert.Nil(t, data)
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	assert.Equal(t, []string{resolvertest.Listing}, s.Configs.Asked())
}

func TestACredentialThatIsDeletedSinceItWasListedIsNoWarning(t *testing.T) {
	s := newFakeStores(t)
	s.put("fine", "1")
	s.put("gone", "2")
	s.Configs.Before("gone", resolvertest.Fail(&credential.StoreError{Kind: credential.NotFound}))
	data, err := bulk(s.store())
	require.NoError(t, err)
	assert.Len(t, data, 1)
	assert.Empty(t, s.log.String())
	for name := range s.counted() {
		assert.NotContains(t, name, "left_out")
	}
}

func TestAStoreThatIsDownFailsTheWholeBulkRequest(t *testing.T) {
	words := errors.New(canary.Path + canary.Secret)
	cases := map[string]struct {
		of   string // the call that fails: the config of a GUID, a secret, or the listing
		err  error
		code codes.Code
		says string
	}{
		"a secret store that is down":         {"of-c3", credential.Unavailable, codes.Unavailable, `credential "c3": the secret store is unavailable`},
		"a secret store out of time":          {"of-c3", credential.Timeout, codes.DeadlineExceeded, `credential "c3": the secret store did not answer in time`},
		"a secret store with another failure": {"of-c3", words, codes.Unavailable, `credential "c3": the secret store is unavailable`},
		"a config store that is down":         {"c3", credential.Unavailable, codes.Unavailable, `credential "c3": the config store is unavailable`},
		"a config store out of time":          {"c3", credential.Timeout, codes.DeadlineExceeded, `credential "c3": the config store did not answer in time`},
		"a list that is unavailable":          {resolvertest.Listing, credential.Unavailable, codes.Unavailable, "credential: the config store is unavailable"},
		"a list that is refused":              {resolvertest.Listing, credential.Denied, codes.PermissionDenied, "credential: the config store refused the request"},
		"a store that cannot list":            {resolvertest.Listing, credential.FailedPrecondition, codes.FailedPrecondition, "credential: the config store cannot list its credentials"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newFakeStores(t)
			for i := range 6 {
				s.put(fmt.Sprint("c", i), canary.Secret)
			}
			var kind credential.Kind
			if errors.As(tc.err, &kind) {
				tc.err = &credential.StoreError{Kind: kind, Err: words}
			}
			s.Configs.Before(tc.of, resolvertest.Fail(tc.err))
			s.Secrets.Before(tc.of, resolvertest.Fail(tc.err))

			data, err := bulk(s.store())

			assert.Nil(t, data)
			require.Equal(t, tc.code, status.Code(err), "%v", err)
			require.ErrorContains(t, err, "desc = "+tc.says)
			counted := s.counted()
			assert.Equal(t, 1.0, counted["credential_resolver_requests_total{"+tc.code.String()+"}"])
			assert.NotContains(t, fmt.Sprint(counted), "left_out")
			canary.AssertNone(t, err.Error())
			canary.AssertNone(t, s.log.String())
		})
	}
}

// panicky is a logger whose first warning panics.
type panicky struct {
	logger.Logger
	done atomic.Bool
}

func (p *panicky) Warnf(format string, args ...any) {
	if !p.done.Swap(true) {
		panic(canary.Secret)
	}
	p.Logger.Warnf(format, args...)
}

func TestAPanicInABulkRequestIsItsInternal(t *testing.T) {
	cases := map[string]func(s *fakeStores) secretstores.SecretStore{
		"in the store's list": func(s *fakeStores) secretstores.SecretStore {
			s.Configs.Before(resolvertest.Listing, resolvertest.Panic(canary.Secret))
			return s.store()
		},
		"in our own code": func(s *fakeStores) secretstores.SecretStore {
			s.Configs.Put("c", `[]`)
			return s.storeLogging(&panicky{Logger: s.log.Logger(s.t.Name())})
		},
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			s := newFakeStores(t)
			s.put("fine", "s")
			data, err := bulk(prepare(s))
			assert.Nil(t, data)
			require.Equal(t, codes.Internal, status.Code(err))
			require.ErrorContains(t, err, "internal error")
			canary.AssertNone(t, err.Error())
			canary.AssertNone(t, s.log.String())
		})
	}
}
