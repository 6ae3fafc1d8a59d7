package backend

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
)

// kubernetesReview is an answer to whether the secret "b" may be read everywhere.
func kubernetesReview(status string) string {
	return fmt.Sprintf(`201 {"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1",`+
		`"spec":{"resourceAttributes":{"verb":"get","version":"v1","resource":"secrets","name":"b"}},"status":%s}`, status)
}

const namespaceEnds = `200 {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team","deletionTimestamp":"2026-01-01T00:00:00Z"}}`

func TestKubernetesNamespaceMustBeThereForASecretToBeMissing(t *testing.T) {
	forbidden := "403 " + kubernetesStatus("Forbidden", 403, "namespaces", "team")
	gone := "404 " + kubernetesStatus("NotFound", 404, "namespaces", "team")
	tests := map[string]struct {
		namespace, review string
		want              resolver.Kind
	}{
		"it is":                              {namespaceThere, "", resolver.NotFound},
		"it is not":                          {gone, "", resolver.Unavailable},
		"it is being deleted":                {namespaceEnds, "", resolver.Unavailable},
		"any object":                         {"200 {}", "", resolver.Unavailable},
		"another namespace":                  {`200 {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"b"}}`, "", resolver.Unavailable},
		"hidden, the right is bound in it":   {forbidden, kubernetesReview(`{"allowed":false}`), resolver.NotFound},
		"hidden, the right is bound in all":  {forbidden, kubernetesReview(`{"allowed":true}`), resolver.Denied},
		"hidden, the review is not sure":     {forbidden, kubernetesReview(`{"allowed":false,"evaluationError":"a webhook is down"}`), resolver.Denied},
		"hidden, the review is any object":   {forbidden, "201 {}", resolver.Unavailable},
		"hidden, and so is the right":        {forbidden, "403 " + kubernetesStatus("Forbidden", 403, "", ""), resolver.Denied},
		"hidden, and the review has no time": {forbidden, "504 " + kubernetesStatus("Timeout", 504, "", ""), resolver.Timeout},
		"the API server is ill":              {"500 " + kubernetesStatus("InternalError", 500, "", ""), "", resolver.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := newScriptedKubernetes(t, map[string]string{
				"a": secretThere, "b": "404 " + kubernetesStatus("NotFound", 404, "secrets", "b"), "team": namespaceThere,
			})
			conn, err := k.connect(t)
			require.NoError(t, err)
			now := time.Now()
			conn.now = func() time.Time { return now }
			entries, err := conn.get(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, map[string]string{"k": "v"}, entries)

			k.answers["team"], k.answers["selfsubjectaccessreviews"] = test.namespace, test.review
			_, err = conn.get(t.Context(), "b")
			require.True(t, Missing(err), "a secret was there just now")
			now = now.Add(seenFor)
			_, err = conn.get(t.Context(), "b")
			require.Equal(t, test.want, resolver.KindOf(err))
			require.Equal(t, test.want == resolver.Denied, isGeneral(err), "such a refusal makes no literal")
			require.Equal(t, test.want == resolver.NotFound, conn.seen.Load().Equal(now))
		})
	}
}

// The lookups of a credential run at once: another may have read a secret meanwhile.
func TestKubernetesNamespaceIsSeenByAnotherLookup(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{
		"b":                        "404 " + kubernetesStatus("NotFound", 404, "secrets", "b"),
		"team":                     "403 " + kubernetesStatus("Forbidden", 403, "namespaces", "team"),
		"selfsubjectaccessreviews": kubernetesReview(`{"allowed":true}`),
	})
	conn, err := k.connect(t)
	require.NoError(t, err)
	_, err = conn.get(t.Context(), "b")
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
	k.before = func(name string) {
		if name == "selfsubjectaccessreviews" {
			conn.sees()
		}
	}
	_, err = conn.get(t.Context(), "b")
	require.True(t, Missing(err))
}

// A namespace that we may not see fails what needs to know of it, and nothing else:
// it is not asked for again, and closes no store.
func TestKubernetesHiddenNamespaceOpensNoBreaker(t *testing.T) {
	answers := map[string]string{
		"a": secretThere, "b": "404 " + kubernetesStatus("NotFound", 404, "secrets", "b"),
		"team":                     "403 " + kubernetesStatus("Forbidden", 403, "namespaces", "team"),
		"selfsubjectaccessreviews": kubernetesReview(`{"allowed":true}`),
	}
	k := newScriptedKubernetes(t, answers)
	fields := k.kubeconfig(t, anyUser(), nil)
	log, written := newLog(t, logger.WarnLevel)
	s, err := OpenSecretStore(t.Context(), Spec{Label: "secretStore", Type: "secretstores.kubernetes", Fields: fields},
		Options{Limits: DefaultLimits(), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.Contains(t, written.String(), "we may not get the namespace")
	before := k.asked.Load()
	for range 2 * DefaultBreakerFailures {
		_, err = s.Secret(t.Context(), "b")
		require.Equal(t, resolver.Denied, resolver.KindOf(err))
	}
	require.EqualValues(t, 3*2*DefaultBreakerFailures, k.asked.Load()-before)
	_, err = s.Secret(t.Context(), "a")
	require.NoError(t, err)
	require.NotContains(t, written.String(), "team")
}
