package component_test

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// remembering is a component on fakes with one credential, c, and a clock that the test moves.
type remembering struct {
	*fakeStores
	store  *component.SecretStore
	passed atomic.Int64 // nanoseconds
}

func newRemembering(t *testing.T) *remembering {
	t.Helper()
	r := &remembering{fakeStores: newFakeStores(t)}
	begin := time.Now()
	r.settings.Cache.Now = func() time.Time { return begin.Add(time.Duration(r.passed.Load())) }
	r.store = r.fakeStores.store()
	r.Configs.Put("c", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`","password":"pw"}`)
	r.secret("first")
	return r
}

func (r *remembering) pass(d time.Duration) { r.passed.Add(int64(d)) }

func (r *remembering) secret(text string) {
	r.Secrets.Before(resolvertest.Any, nil)
	r.Secrets.Put(canary.Reference, map[string]string{"pw": canary.Secret + text})
}

// fail makes the secret store fail from now on.
func (r *remembering) fail(kind credential.Kind) {
	r.Secrets.Before(resolvertest.Any, resolvertest.Fail(
		&credential.StoreError{Kind: kind, Err: errors.New(canary.Path + canary.Secret)}))
}

// daprd and app request c as a daprd or an application does. They return its secret, or the
// code of the failure.
func (r *remembering) daprd() string { return r.ask("namespace", "default") }
func (r *remembering) app() string   { return r.ask() }

func (r *remembering) ask(metadata ...string) string {
	data, err := get(r.store, "c", metadata...)
	if err != nil {
		return status.Code(err).String()
	}
	return data["password"][len(canary.Secret):]
}

func TestDaprdGetsTheLastGoodCredentialWhileAStoreIsDown(t *testing.T) {
	for _, kind := range []credential.Kind{credential.Unavailable, credential.Timeout} {
		code := codes.Code(kind.GRPCCode())
		t.Run(kind.Error(), func(t *testing.T) {
			r := newRemembering(t)
			require.Equal(t, "first", r.daprd())
			r.fail(kind)
			assert.Equal(t, code.String(), r.app(), "an application gets the failure")
			r.pass(5*time.Minute + time.Millisecond)

			assert.Equal(t, "first", r.daprd())

			log := r.log.String()
			assert.Contains(t, log, code.String()+`: credential \"c\": the secret store `)
			assert.Regexp(t, `level=warning.*\(reference [0-9a-f]{16}\); answered with the last good credential, \S+ old`, log)
			canary.AssertNone(t, log)
			counted := r.counted()
			assert.Equal(t, 1.0, counted["credential_resolver_stale_answers_total{}"])
			assert.Equal(t, 2.0, counted["credential_resolver_requests_total{OK}"])
			assert.Equal(t, 1.0, counted["credential_resolver_requests_total{"+code.String()+"}"])

			r.secret("second")
			assert.Equal(t, "second", r.daprd())
			assert.Equal(t, 1.0, r.counted()["credential_resolver_stale_answers_total{}"])
		})
	}
}

func TestLastGoodAnswerHonoursTheRequest(t *testing.T) {
	r := newRemembering(t)
	require.Equal(t, "first", r.daprd())
	r.fail(credential.Unavailable)
	data, err := get(r.store, "c", "namespace", "n", "fields", "secret-path")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"secret-path": canary.Reference}, data)
	_, err = get(r.store, "c", "namespace", "n", "fields", "none")
	assert.Equal(t, codes.InvalidArgument, status.Code(err))
	assert.Equal(t, "first", r.daprd(), "a request for an unknown field must not delete the last good answer")
}

func TestAnyOtherFailureForgetsTheLastGoodCredential(t *testing.T) {
	cases := map[string]struct {
		fail func(r *remembering)
		code codes.Code
	}{
		"a refusal":                 {func(r *remembering) { r.fail(credential.Denied) }, codes.PermissionDenied},
		"a fault":                   {func(r *remembering) { r.fail(credential.Internal) }, codes.Internal},
		"a panic":                   {func(r *remembering) { r.Secrets.Before(resolvertest.Any, resolvertest.Panic(canary.Secret)) }, codes.Internal},
		"a secret that is gone":     {func(r *remembering) { r.Secrets.Delete(canary.Reference) }, codes.NotFound},
		"a credential that is gone": {func(r *remembering) { r.Configs.Delete("c") }, codes.NotFound},
		"a broken config":           {func(r *remembering) { r.Configs.Put("c", "[]") }, codes.FailedPrecondition},
	}
	for name, tc := range cases {
		for by, ask := range map[string]func(*remembering) string{
			"daprd": (*remembering).daprd, "an application": (*remembering).app,
			"bulk": func(r *remembering) string {
				_, err := bulk(r.store)
				require.NoError(r.t, err)
				return tc.code.String()
			},
		} {
			t.Run(name+", seen by "+by, func(t *testing.T) {
				r := newRemembering(t)
				require.Equal(t, "first", r.daprd())
				if tc.fail(r); by == "bulk" && name == "a credential that is gone" {
					return // a bulk request does not list it
				}
				require.Equal(t, tc.code.String(), ask(r))
				r.Configs.Before("c", resolvertest.Fail(credential.Unavailable))
				assert.Equal(t, codes.Unavailable.String(), r.daprd())
				assert.Zero(t, r.store.Kept())
				canary.AssertNone(t, r.log.String())
			})
		}
	}
}

func TestTheLastGoodCredentialIsAnsweredForAnHour(t *testing.T) {
	r := newRemembering(t)
	require.Equal(t, "first", r.daprd())
	r.fail(credential.Unavailable)
	r.pass(time.Hour)
	assert.Equal(t, "first", r.daprd())
	r.pass(1)
	assert.Equal(t, codes.Unavailable.String(), r.daprd(), "serving the last good answer must not extend its age")
	r.pass(time.Minute)
	// The cache evicts it in a separate goroutine, a second or two after its time.
	assert.Eventually(t, func() bool { return r.store.Kept() == 0 }, patience, tick, "the answer must be evicted")
}

func TestApplicationRequestRenewsOnlyWhatIsKept(t *testing.T) {
	r := newRemembering(t)
	require.Equal(t, "first", r.app())
	assert.Zero(t, r.store.Kept())
	r.fail(credential.Unavailable)
	require.Equal(t, codes.Unavailable.String(), r.daprd())

	r.secret("second")
	require.Equal(t, "second", r.daprd())
	r.pass(time.Hour)
	for name, ask := range map[string]func() string{
		"application": r.app,
		"bulk": func() string {
			_, err := bulk(r.store)
			require.NoError(t, err)
			return "bulk"
		},
	} {
		r.secret(name)
		require.Equal(t, name, ask())
		r.fail(credential.Unavailable)
		r.pass(time.Hour)
		assert.Equal(t, name, r.daprd())
	}
}

func TestABulkRequestIsNotAnsweredWithTheLastGood(t *testing.T) {
	r := newRemembering(t)
	require.Equal(t, "first", r.daprd())
	r.fail(credential.Unavailable)
	_, err := bulk(r.store, "namespace", "default")
	assert.Equal(t, codes.Unavailable, status.Code(err))
}

func TestABulkRequestKeepsNothingForDaprd(t *testing.T) {
	r := newRemembering(t)
	_, err := bulk(r.store, "namespace", "default")
	require.NoError(t, err)
	assert.Zero(t, r.store.Kept())
}

func TestInstancesShareNoLastGoodAnswers(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"user":"u"}`)
	w.secrets(`{}`)
	one, other := w.open(nil), w.open(map[string]string{"requestTimeout": "50ms"})
	_, err := get(one, "c", "namespace", "n")
	require.NoError(t, err)
	require.NoError(t, os.Remove(w.file))
	_, err = get(one, "c", "namespace", "n")
	require.NoError(t, err)
	_, err = get(other, "c", "namespace", "n")
	assert.Equal(t, codes.Unavailable, status.Code(err))
}

func TestConcurrentRequestsDuringOutages(t *testing.T) {
	r := newRemembering(t)
	require.Equal(t, "first", r.daprd())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 50 {
				if i%2 == 0 {
					assert.Equal(t, "first", r.daprd())
				} else if got := r.app(); got != "first" {
					assert.Equal(t, codes.Unavailable.String(), got)
				}
			}
		})
	}
	for range 50 {
		r.fail(credential.Unavailable)
		r.secret("first")
	}
	group.Wait()
}
