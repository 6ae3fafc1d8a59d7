package component_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// A warning is for a failure that a person should look at. An application that asks for what
// is not there is none.
func TestWhichFailuresAreWarnings(t *testing.T) {
	of := func(kind credential.Kind, words error) error { return &credential.StoreError{Kind: kind, Err: words} }
	words := errors.New(canary.Secret)
	for name, tc := range map[string]struct {
		guid  string
		err   error // of the secret store
		level string
	}{
		"a store that is down":           {"some-guid", of(credential.Unavailable, words), "warning"},
		"a store out of time":            {"some-guid", of(credential.Timeout, words), "warning"},
		"a store that refuses us":        {"some-guid", of(credential.Denied, words), "warning"},
		"a fault of ours":                {"some-guid", of(credential.Internal, words), "warning"},
		"a secret that is none":          {"some-guid", of(credential.FailedPrecondition, words), "info"},
		"a secret that can be mended":    {"some-guid", of(credential.FailedPrecondition, credential.Remedy("quote it")), "warning"},
		"a credential that is not there": {"none", nil, "info"},
		"a GUID that is none":            {"a b", nil, "info"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logtext.Text{}
			_, err := get(failing(t, log, tc.err), tc.guid)
			require.Error(t, err)
			assert.Equal(t, 1, strings.Count(log.String(), "\n"), log)
			assert.Contains(t, log.String(), "level="+tc.level+" ")
			canary.AssertNone(t, log.String())
		})
	}
}

func TestARemedyIsLoggedOnce(t *testing.T) {
	log := &logtext.Text{}
	store := failing(t, log, &credential.StoreError{Kind: credential.Denied, Err: credential.Remedy("ask for the right")})
	logger.NewLogger(t.Name()).SetOutputLevel(logger.DebugLevel)
	_, err := get(store, "some-guid")
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(log.String(), "ask for the right"), log)
}

func TestABulkRequestThatFailsIsLogged(t *testing.T) {
	s := newFakeStores(t)
	s.Configs.Before(resolvertest.Listing, resolvertest.Fail(credential.Unavailable))
	_, err := bulk(s.store())
	require.Error(t, err)
	assert.Regexp(t, `^[^\n]*level=warning [^\n]*Unavailable: credential: the config store is unavailable[^\n]*\n$`, s.log.String())
}

func TestAFieldThatACredentialLacksIsNoWarningOfABulkRequest(t *testing.T) {
	s := newFakeStores(t)
	s.put("c", "s")
	_, err := bulk(s.store(), "fields", "user")
	require.NoError(t, err)
	assert.Regexp(t, `^[^\n]*level=info [^\n]*left out of a bulk answer[^\n]*\n$`, s.log.String())
}

func TestWhatIsSavedAndWhatIsNotIsLogged(t *testing.T) {
	w, store := local(t)
	b := binding(t, store)
	guid, err := save(b, `{"a": "`+canary.Secret+`"}`)
	require.NoError(t, err)
	assert.Contains(t, w.log.String(), fmt.Sprintf(`credential \"%s\": saved`, guid))
	_, err = save(b, "")
	require.Error(t, err)
	assert.Contains(t, w.log.String(), "InvalidArgument: credential: data is missing")
	assert.Equal(t, 1, strings.Count(w.log.String(), "saved"))
	canary.AssertNone(t, w.log.String())
}

func TestWhatGoesWellIsNotLogged(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		for range 3 { // the second is refreshed in the background
			_, err := get(store, "c")
			require.NoError(s.t, err)
			<-time.After(59 * time.Second)
			synctest.Wait()
		}
		assert.Empty(s.t, s.log.String())
	})
}

// The line of a stale answer must not be dropped because of the failures around it.
func TestStaleAnswersHaveLinesOfTheirOwn(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		_, err := get(store, "c")
		require.NoError(s.t, err)
		s.put("other", "two")
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		<-time.After(time.Minute)
		for range 100 {
			_, err := get(store, "other")
			require.Error(s.t, err)
		}
		_, err = get(store, "c")
		require.NoError(s.t, err)
		assert.Contains(s.t, s.log.String(), "answered with the last good credential, 1m0s old")
	})
}
