package component_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestEachKindOfFailureIsOneCode(t *testing.T) {
	for kind := credential.Internal; kind <= credential.TooLarge+1; kind++ { // plus one kind that does not exist
		assert.Equal(t, codes.Code(kind.GRPCCode()), component.Code(kind), kind)
	}
}

// Its text may be anything, and neither the application nor the log gets it.
func TestAFailureWithoutAKindIsInternal(t *testing.T) {
	assert.Nil(t, component.AsError(nil))
	known := &credential.Error{Kind: credential.NotFound}
	assert.Same(t, known, component.AsError(fmt.Errorf("around: %w", known)))
	err := component.AsError(errors.New(canary.Secret))
	assert.Equal(t, credential.Internal, err.Kind)
	assert.Contains(t, err.Detail(), "*errors.errorString")
	canary.AssertNone(t, err.Error()+err.Detail())
}

// failing returns a component with one agent credential. Its secret store fails with err.
func failing(t *testing.T, log *logtext.Text, err error) *component.SecretStore {
	t.Helper()
	stores := resolvertest.New(t)
	stores.Configs.Put("some-guid", `{"credentialSource":"agent","password":"`+canary.Reference+`"}`)
	stores.Secrets.Before(resolvertest.Any, resolvertest.Fail(err))
	return component.On(log.Logger(t.Name()), component.NewMetrics(prometheus.NewRegistry()), stores.Options())
}

func TestStoreFailureHasAFixedText(t *testing.T) {
	words := errors.New("GET https://vault/" + canary.Path + "/" + canary.Reference + ": " + canary.Secret)
	cases := map[string]struct {
		err  error
		code codes.Code
		says string
	}{
		"refused":        {&credential.StoreError{Kind: credential.Denied, Err: words}, codes.PermissionDenied, "the secret store refused the request"},
		"down":           {&credential.StoreError{Kind: credential.Unavailable, Err: words}, codes.Unavailable, "the secret store is unavailable"},
		"out of time":    {&credential.StoreError{Kind: credential.Timeout, Err: words}, codes.DeadlineExceeded, "the secret store did not answer in time"},
		"internal":       {&credential.StoreError{Kind: credential.Internal, Err: words}, codes.Internal, "internal error"},
		"without a kind": {words, codes.Unavailable, "the secret store is unavailable"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			log := &logtext.Text{}
			data, err := get(failing(t, log, tc.err), "some-guid")
			assert.Nil(t, data)
			require.EqualError(t, err, `rpc error: code = `+tc.code.String()+` desc = credential "some-guid": `+tc.says)
			assert.Contains(t, log.String(), tc.code.String(), "the log must contain the code")
			assert.Regexp(t, reference, log.String(), "the log must contain the hashed reference")
			canary.AssertNone(t, log.String())
		})
	}
}

func TestAtDebugLevelAStoresOwnWordsAreLoggedWithoutTheReference(t *testing.T) {
	log := &logtext.Text{}
	store := failing(t, log, &credential.StoreError{
		Kind: credential.Unavailable, Err: errors.New("asking for " + canary.Reference + ": connection refused"),
	})
	logger.NewLogger(t.Name()).SetOutputLevel(logger.DebugLevel)

	_, err := get(store, "some-guid")

	require.Error(t, err)
	assert.Contains(t, log.String(), "connection refused")
	canary.AssertNone(t, log.String())
}

func TestRemedyIsInTheWarningAndNotInTheAnswer(t *testing.T) {
	for _, kind := range []credential.Kind{credential.FailedPrecondition, credential.Unavailable, credential.Denied} {
		log := &logtext.Text{}
		store := failing(t, log, &credential.StoreError{
			Kind: kind, Err: fmt.Errorf("%w: %w", credential.Remedy("its entry is no string: quote it"), errors.New(canary.Secret)),
		})
		logger.NewLogger(t.Name()).SetOutputLevel(logger.WarnLevel)

		_, err := get(store, "some-guid")

		require.Error(t, err)
		assert.NotContains(t, err.Error(), "quote it")
		assert.Regexp(t, `level=warning .*\(reference [0-9a-f]{16}\): its entry is no string: quote it`, log.String())
		canary.AssertNone(t, log.String())
	}
}

// One secret that cannot be used must neither stop daprd from starting nor affect other
// credentials.
func TestUnusableSecretFailsOnlyItsCredential(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{"db": {"password": "` + canary.Secret + `", "port": 5432}, "fine": {"password": "p"}, "l": ["x"]}`)
	w.config("db", `{"credentialSource":"agent","secret-path":"db","password":"password"}`)
	w.config("fine", `{"credentialSource":"agent","secret-path":"fine","password":"password"}`)
	store := w.open(nil)
	require.Contains(t, w.log.String(), `secret \"db\" of the file cannot be used: its entry \"port\" is not a string: write it as one, in quotes`)
	require.Contains(t, w.log.String(), `secret \"l\" of the file cannot be used: is neither a string nor an object`)

	data, err := get(store, "fine")
	require.NoError(t, err)
	require.Equal(t, "p", data["password"])
	_, err = get(store, "db")
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.NotContains(t, err.Error(), "port")
	require.Contains(t, w.log.String(), `: in the secrets file, its entry \"port\" is not a string: write it as one, in quotes`)
	canary.AssertNone(t, err.Error()+w.log.String())
}

// reference matches a hashed reference in the log.
var reference = regexp.MustCompile(`reference ([0-9a-f]{16})\b`)

func TestTheHashOfAReferenceIsStableAndKeyed(t *testing.T) {
	down := &credential.StoreError{Kind: credential.Unavailable, Err: errors.New("down")}
	hashes := func(store *component.SecretStore, log *logtext.Text) []string {
		for range 2 {
			_, err := get(store, "some-guid")
			require.Error(t, err)
		}
		var found []string
		for _, match := range reference.FindAllStringSubmatch(log.String(), -1) {
			found = append(found, match[1])
		}
		require.Len(t, found, 2)
		return found
	}
	log := &logtext.Text{}
	first := hashes(failing(t, log, down), log)
	log = &logtext.Text{}
	second := hashes(failing(t, log, down), log)

	assert.Equal(t, first[0], first[1], "one process always has the same hash for a reference")
	assert.Equal(t, second[0], second[1])
	assert.NotEqual(t, first[0], second[0], "another process has a different hash")
}

func TestTwoReferencesHaveTwoHashes(t *testing.T) {
	log := &logtext.Text{}
	stores := resolvertest.New(t)
	stores.Configs.Put("one", `{"credentialSource":"agent","secret-path":"a"}`)
	stores.Configs.Put("two", `{"credentialSource":"agent","secret-path":"b"}`)
	store := component.On(log.Logger(t.Name()), component.NewMetrics(prometheus.NewRegistry()), stores.Options())
	for _, guid := range []string{"one", "two"} {
		_, err := get(store, guid)
		require.Equal(t, codes.NotFound, status.Code(err))
	}
	found := reference.FindAllStringSubmatch(log.String(), -1)
	require.Len(t, found, 2)
	assert.NotEqual(t, found[0][1], found[1][1])
}
