package component_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// testCached runs a test on a component with the default cache, in a synctest bubble.
func testCached(t *testing.T, test func(s *fakeStores, store *component.SecretStore)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStores(t)
		s.settings.Cache = cache.DefaultOptions()
		s.put("c", "one")
		test(s, s.store())
	})
}

func TestACredentialIsCachedUnlessARequestWantsItFresh(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		password := func(metadata ...string) string {
			data, err := get(store, "c", metadata...)
			require.NoError(s.t, err)
			return data["pw"] + data["password"]
		}
		require.Equal(s.t, "one", password())
		s.put("c", "two")
		require.Equal(s.t, "one", password())
		require.Equal(s.t, "one", password("refresh", "false"))
		<-time.After(1)
		require.Equal(s.t, "two", password("refresh", "true"))
		require.Equal(s.t, "two", password())
	})
}

func TestInstancesDoNotShareFingerprints(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"password":"guess me"}`)
	w.secrets(`{}`)
	seen := map[string]bool{}
	for range 2 {
		data, err := get(w.open(nil), "c", "fingerprint", "true")
		require.NoError(t, err)
		seen[data[component.FingerprintEntry]] = true
	}
	assert.Len(t, seen, 2, "with a shared key, another instance could guess passwords")
}

func TestAFingerprintTellsOneCredentialFromAnother(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		fingerprint := func(metadata ...string) string {
			data, err := get(store, "c", append(metadata, "fingerprint", "true")...)
			require.NoError(s.t, err)
			require.Regexp(s.t, "^[0-9a-f]{32}$", data[component.FingerprintEntry])
			return data[component.FingerprintEntry]
		}
		one := fingerprint()
		assert.Equal(s.t, one, fingerprint("format", "json"))
		assert.Equal(s.t, one, fingerprint("fields", "credentialSource"))
		<-time.After(time.Minute)
		assert.Equal(s.t, one, fingerprint(), "the credential was read again and is unchanged")
		data, err := get(store, "c")
		require.NoError(s.t, err)
		assert.NotContains(s.t, data, component.FingerprintEntry)

		s.put("c", "two")
		assert.Equal(s.t, one, fingerprint())
		assert.Equal(s.t, one, fingerprint("rejected", one), "the credential was read just now")
		<-time.After(time.Second)
		assert.Equal(s.t, one, fingerprint("rejected", "another"))
		two := fingerprint("rejected", one)
		assert.NotEqual(s.t, one, two)
		assert.Equal(s.t, two, fingerprint("rejected", one))
	})
}

// The same text may be another value, and the same text in all other fields.
func TestAFingerprintTellsKindsAndFieldsApart(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		configs := map[string]string{} // by fingerprint
		for _, config := range []string{
			`{"a":5}`, `{"a":"5"}`, `{"a":5.0}`, `{"a":true}`, `{"a":"true"}`, `{"a":null}`, `{"a":"null"}`, `{"a":""}`, `{}`,
			`{"a":[]}`, `{"a":"[]"}`, `{"a":{}}`, `{"a":"{}"}`, `{"aa":"5"}`, `{"a":"a5"}`, `{"a":"5","b":""}`, `{"a":"","b":"5"}`,
		} {
			s.Configs.Put("c", config)
			<-time.After(time.Second)
			data, err := get(store, "c", "refresh", "true", "fingerprint", "true")
			require.NoError(s.t, err)
			other, ok := configs[data[component.FingerprintEntry]]
			require.False(s.t, ok, "%s, %s", config, other)
			configs[data[component.FingerprintEntry]] = config
		}
	})
}

func TestCredentialsThatAreNotTheSameHaveTwoFingerprints(t *testing.T) {
	s := newFakeStores(t)
	store := s.store()
	of := map[string]string{}
	for name, tc := range map[string]struct{ guid, config string }{
		"a number":           {"c", `{"port":5432}`},
		"its text":           {"c", `{"port":"5432"}`},
		"null":               {"c", `{"port":null}`},
		"nothing":            {"c", `{"port":""}`},
		"another GUID":       {"d", `{"port":5432}`},
		"another name":       {"c", `{"Port":5432}`},
		"two fields":         {"c", `{"a":"b","c":"d"}`},
		"one field of both":  {"c", `{"a":"b;1:c=5:1:d"}`},
		"in the other order": {"c", `{"c":"d","a":"b"}`},
	} {
		s.Configs.Put(tc.guid, tc.config)
		data, err := get(store, tc.guid, "fingerprint", "true")
		require.NoError(t, err)
		fingerprint := data[component.FingerprintEntry]
		assert.Empty(t, of[fingerprint], "%s has the same", name)
		of[fingerprint] = name
	}
}

func TestTheLastGoodAnswerIsCountedAndLoggedOnce(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		_, err := get(store, "c")
		require.NoError(s.t, err)
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		<-time.After(time.Minute)
		for range 3 {
			data, err := get(store, "c")
			require.NoError(s.t, err)
			require.Equal(s.t, "one", data["password"])
		}
		require.Equal(s.t, 3.0, s.counted()["credential_resolver_stale_answers_total{}"])
		require.Equal(s.t, 2.0, s.counted()["credential_resolver_cache_hits_total{}"], "a request must not wait for a store that is down")
		require.Regexp(s.t, `^[^\n]*answered with the last good credential, 1m0s old[^\n]*\n$`, s.log.String())
	})
}

func TestACredentialThatChangesIsCountedAndLoggedAsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStores(t)
		s.settings.Cache = cache.DefaultOptions()
		s.settings.Cache.Consistent, s.settings.AllowBulk = true, true
		s.put("c", "one")
		store := s.store()
		_, err := get(store, "c")
		require.NoError(s.t, err)
		<-time.After(time.Minute)
		n := 0
		s.Secrets.Before(resolvertest.Any, func(context.Context) error {
			<-time.After(1)
			n++
			s.put("c", fmt.Sprint("rotated ", n))
			return nil
		})
		for range 3 {
			data, err := get(store, "c")
			require.NoError(s.t, err)
			require.Equal(s.t, "one", data["password"])
		}
		bulk, err := store.BulkGetSecret(s.t.Context(), secretstores.BulkGetSecretRequest{})
		require.NoError(s.t, err)
		require.Equal(s.t, "one", bulk.Data["c"]["password"])
		require.Equal(s.t, 4.0, s.counted()["credential_resolver_stale_answers_total{}"])
		require.Regexp(s.t, `^[^\n]*Unavailable: credential \\"c\\": it changes while it is being read; answered with the last good credential, 1m0s old"[^\n]*\n$`,
			s.log.String())
	})
}

// The encoded answer must equal the answer of the store's Go interface.
func TestEncodedAnswerEqualsTheAnswer(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		for _, metadata := range []map[string]string{
			nil, {"format": "json"}, {"fields": "password"}, {"fingerprint": "true"}, {"format": "json", "fields": "password"},
		} {
			req := secretstores.GetSecretRequest{Name: "c", Metadata: metadata}
			want, err := store.GetSecret(s.t.Context(), req)
			require.NoError(s.t, err)
			for range 2 {
				message, err := store.GetEncoded(s.t.Context(), req)
				require.NoError(s.t, err)
				var got proto.GetSecretResponse
				require.NoError(s.t, protobuf.Unmarshal(message, &got))
				require.Equal(s.t, want.Data, got.GetData())
			}
		}
		req := secretstores.GetSecretRequest{Name: "c"}
		once, err := store.GetEncoded(s.t.Context(), req)
		require.NoError(s.t, err)
		again, err := store.GetEncoded(s.t.Context(), req)
		require.NoError(s.t, err)
		require.Same(s.t, &once[0], &again[0], "the answer must be encoded once")

		flat, err := get(store, "c")
		require.NoError(s.t, err)
		assert.Equal(s.t, map[string]string{"credentialSource": "agent", "secret-path": "of-c", "password": "one"}, flat)
		whole, err := get(store, "c", "format", "json")
		require.NoError(s.t, err)
		assert.Equal(s.t, map[string]string{"_value": `{"credentialSource":"agent","secret-path":"of-c","password":"one"}`}, whole)

		_, err = store.GetEncoded(s.t.Context(), secretstores.GetSecretRequest{Name: "none"})
		require.Equal(s.t, codes.NotFound, status.Code(err))
		_, err = store.GetEncoded(s.t.Context(), secretstores.GetSecretRequest{Name: "a b"})
		require.Equal(s.t, codes.InvalidArgument, status.Code(err))
	})
}

func TestEqualAnswersAreEqualMessages(t *testing.T) {
	s := newFakeStores(t)
	s.Configs.Put("c", `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}`)
	store := s.store()
	seen := map[string]bool{}
	for range 20 { // the order of a map's entries is random
		message, err := store.GetEncoded(t.Context(), secretstores.GetSecretRequest{Name: "c"})
		require.NoError(t, err)
		seen[string(message)] = true
	}
	assert.Len(t, seen, 1)
}

// Only an answered request for one credential counts as a hit.
func TestHitsAreRequestsThatWereAnswered(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		hits := func() float64 { return s.counted()["credential_resolver_cache_hits_total{}"] }
		_, err := get(store, "c")
		require.NoError(s.t, err)
		require.Zero(s.t, hits())
		_, err = get(store, "c", "fields", "none")
		require.Equal(s.t, codes.InvalidArgument, status.Code(err))
		_, err = bulk(store)
		require.NoError(s.t, err)
		require.Zero(s.t, hits())
		for _, metadata := range [][]string{nil, {"format", "json"}, {"fingerprint", "true"}} {
			_, err = get(store, "c", metadata...)
			require.NoError(s.t, err)
		}
		require.Equal(s.t, 3.0, hits())
	})
}

func TestABulkRequestIsNotAnsweredFromAStaleCache(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		_, err := bulk(store)
		require.NoError(s.t, err)
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		<-time.After(time.Minute)
		_, err = get(store, "c")
		require.NoError(s.t, err)
		_, err = bulk(store)
		require.Equal(s.t, codes.Unavailable, status.Code(err))
	})
}

// A store that ends with its instance must not share cached secrets, even if another instance
// has the same metadata.
func TestStoreOfOneInstanceSharesNoCache(t *testing.T) {
	w := newFileStores(t)
	open := func() secretstores.SecretStore {
		store := w.factory()
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		require.NoError(t, store.Init(t.Context(), secretstores.Metadata{Base: metadata.Base{
			Name: "credentials", Properties: map[string]string{"configStore": "state.in-memory", "environment": "local"},
		}}))
		return store
	}
	one, other := open(), open()
	guid, err := save(binding(t, one), `{"password":"of-one"}`)
	require.NoError(t, err)
	_, err = get(one, guid)
	require.NoError(t, err)
	_, err = get(other, guid)
	require.Equal(t, codes.NotFound, status.Code(err))
}
