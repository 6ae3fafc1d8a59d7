package kubernetes

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// reviewOf is the answer to the question whether the secret "b" may be read in all namespaces.
func reviewOf(status string) string {
	return fmt.Sprintf(`201 {"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1",`+
		`"spec":{"resourceAttributes":{"verb":"get","version":"v1","resource":"secrets","name":"b"}},"status":%s}`, status)
}

const namespaceEnds = `200 {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team","deletionTimestamp":"2026-01-01T00:00:00Z"}}`

func TestNamespaceMustBeThereForASecretToBeMissing(t *testing.T) {
	forbidden := "403 " + statusOf("Forbidden", 403, "namespaces", "team")
	gone := "404 " + statusOf("NotFound", 404, "namespaces", "team")
	tests := map[string]struct {
		namespace, review string
		want              credential.Kind
	}{
		"it exists":                          {namespaceThere, "", credential.NotFound},
		"it does not exist":                  {gone, "", credential.Unavailable},
		"it is being deleted":                {namespaceEnds, "", credential.Unavailable},
		"any object":                         {"200 {}", "", credential.Unavailable},
		"another namespace":                  {`200 {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"b"}}`, "", credential.Unavailable},
		"hidden, the right is bound in it":   {forbidden, reviewOf(`{"allowed":false}`), credential.NotFound},
		"hidden, the right is bound in all":  {forbidden, reviewOf(`{"allowed":true}`), credential.Denied},
		"hidden, the review is not sure":     {forbidden, reviewOf(`{"allowed":false,"evaluationError":"a webhook is down"}`), credential.Denied},
		"hidden, the review is any object":   {forbidden, "201 {}", credential.Unavailable},
		"hidden, and so is the right":        {forbidden, "403 " + statusOf("Forbidden", 403, "", ""), credential.Denied},
		"hidden, and the review has no time": {forbidden, "504 " + statusOf("Timeout", 504, "", ""), credential.Timeout},
		"the API server is ill":              {"500 " + statusOf("InternalError", 500, "", ""), "", credential.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := newScriptedServer(t, map[string]string{
				"a": secretThere, "b": "404 " + statusOf("NotFound", 404, "secrets", "b"), "team": namespaceThere,
			})
			conn, err := k.connect(t)
			require.NoError(t, err)
			_, err = conn.Get(t.Context(), "b")
			require.True(t, store.Missing(err))

			k.answers["team"], k.answers["selfsubjectaccessreviews"] = test.namespace, test.review
			_, err = conn.Get(t.Context(), "b")
			storetest.RequireKind(t, test.want, err, "the namespace existed at the previous read")
			require.Equal(t, test.want == credential.Denied, storetest.IsGeneral(err), "a refusal about the namespace must not make a literal")
		})
	}
}

// A user may be allowed to read all Secrets but no Namespace. Then a secret that exists proves
// that the namespace exists. The lookups of a credential run in parallel, so another lookup may
// have provided that proof in the meantime.
func TestNamespaceIsSeenByASecretInIt(t *testing.T) {
	missing := func(name string) string { return "404 " + statusOf("NotFound", 404, "secrets", name) }
	k := newScriptedServer(t, map[string]string{
		"a": secretThere, "b": missing("b"),
		"team":                     "403 " + statusOf("Forbidden", 403, "namespaces", "team"),
		"selfsubjectaccessreviews": reviewOf(`{"allowed":true}`),
	})
	conn, err := k.connect(t)
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "b")
	storetest.RequireKind(t, credential.Denied, err)
	k.before = func(name string) {
		if witness := "a"; name == "selfsubjectaccessreviews" {
			conn.witness.Store(&witness)
		}
	}
	_, err = conn.Get(t.Context(), "b")
	require.True(t, store.Missing(err))
	conn.witness.Store(nil)
	k.before = nil
	entries, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": "v"}, entries)
	_, err = conn.Get(t.Context(), "b")
	require.True(t, store.Missing(err))

	for _, answer := range []string{missing("a"), "200 {}", namespaceThere} {
		k.answers["a"] = answer
		_, err = conn.Get(t.Context(), "b")
		storetest.RequireKind(t, credential.Denied, err, answer)
		require.True(t, storetest.IsGeneral(err))
	}
}

// The lookups of a credential that miss at once ask for the namespace together.
func TestNamespaceIsCheckedForAllMissesTogether(t *testing.T) {
	const misses = 8
	answers := map[string]string{"team": namespaceThere}
	for i := range misses {
		name := fmt.Sprint("b", i)
		answers[name] = "404 " + statusOf("NotFound", 404, "secrets", name)
	}
	k := newScriptedServer(t, answers)
	conn, err := k.connect(t)
	require.NoError(t, err)
	var checks, asking atomic.Int32
	goOn := make(chan struct{})
	k.before = func(name string) {
		if name == "team" {
			checks.Add(1)
			<-goOn
		}
	}
	go func() { // the first check goes on when all misses wait for one, or when there is a second
		defer close(goOn)
		assert.Eventually(t, func() bool { return waiting() == misses || checks.Load() > 1 }, storetest.Long, time.Millisecond)
	}()
	storetest.Together(t, misses, func() error {
		_, err := conn.Get(context.WithoutCancel(t.Context()), fmt.Sprint("b", asking.Add(1)-1))
		if !store.Missing(err) {
			return err
		}
		return nil
	})
	require.LessOrEqual(t, checks.Load(), int32(2))
}

// waiting returns the number of calls that wait for a shared check.
func waiting() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), ".(*SharedCheck).Do(")
}

// A namespace that may not be read fails only the calls that need to know whether it exists. It
// must not cause retries or open the breaker.
func TestHiddenNamespaceOpensNoBreaker(t *testing.T) {
	answers := map[string]string{
		"a": secretThere, "b": "404 " + statusOf("NotFound", 404, "secrets", "b"),
		"team":                     "403 " + statusOf("Forbidden", 403, "namespaces", "team"),
		"selfsubjectaccessreviews": reviewOf(`{"allowed":true}`),
	}
	k := newScriptedServer(t, answers)
	fields := k.kubeconfig(t, anyUser(), nil)
	log, written := storetest.NewLog(t, logger.WarnLevel)
	s, err := openSecrets(t, fields, false, store.Options{Limits: store.DefaultLimits(), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.Contains(t, written.String(), "has no right to get the namespace")
	before := k.asked.Load()
	for range 2 * store.DefaultBreakerFailures {
		_, err = secretOf(t.Context(), s, "b")
		storetest.RequireKind(t, credential.Denied, err)
	}
	require.EqualValues(t, 3*2*store.DefaultBreakerFailures, k.asked.Load()-before)
	_, err = secretOf(t.Context(), s, "a")
	require.NoError(t, err)
	require.NotContains(t, written.String(), "team")
}
