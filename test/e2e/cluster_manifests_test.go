//go:build e2e && kubernetes

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chart renders our own chart for the application app, with values files of stores.
func chart(t *testing.T, args ...string) []object {
	t.Helper()
	return helm(t, append([]string{"credential-resolver", "../../deploy/chart", "--set", "scopes={app}"}, args...)...)
}

// TestClusterTakesTheManifests lets an API server validate every field of what we ship, with
// Dapr's own definitions of its kinds: the chart with the values of each store, and the plain
// YAML.
func TestClusterTakesTheManifests(t *testing.T) {
	c := startCluster(t)
	found := map[string][]object{}
	for _, pattern := range []string{"deploy/kubernetes/*.yaml", "components/stores/*.yaml", "components/*.yaml", "deploy/resiliency.yaml"} {
		files, err := filepath.Glob("../../" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, path := range files {
			found[path] = manifests(t, path)
		}
	}
	values, err := filepath.Glob("../../deploy/chart/values/*.yaml")
	require.NoError(t, err)
	for _, path := range values {
		args := []string{"--values", path, "--set", "resiliency.enabled=true,networkPolicy.enabled=true,metrics.enabled=true"}
		if strings.HasPrefix(filepath.Base(path), "secretstores.") {
			args = append(args, "--values", "../../deploy/chart/values/state.redis.yaml")
		}
		found[path] = chart(t, args...)
	}
	for path, objects := range found {
		require.NotEmpty(t, objects, path)
		for _, o := range objects {
			o["metadata"].(object)["name"] = "trial" // the cluster has a Configuration already
			err := c.Do(t.Context(), http.MethodPost, collection(o)+"?dryRun=All&fieldValidation=Strict", o, nil)
			assert.NoError(t, err, path)
		}
	}
}

// TestClusterRoleIsEnough runs a pod whose secrets are in Kubernetes, with the identity of the
// pod's service account and with the rights that the chart gives it.
func TestClusterRoleIsEnough(t *testing.T) {
	c := startCluster(t)
	// Dapr's own chart lets this service account read all Secrets of the default namespace.
	c.remove(t, "rolebindings", "dapr-secret-reader")
	deployment := c.createAll(t, chart(t, "--values", "../../deploy/chart/values/bindings.localstorage.yaml",
		"--values", "../../deploy/chart/values/secretstores.kubernetes.yaml",
		"--set", "example.enabled=true,allowedSecrets={analytics-db}"))
	c.create(t, object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "analytics-db"},
		"stringData": object{"db_password_key": "replace-me"},
	})
	pod := c.run(t, deployment)
	c.ready(t, pod)
	awaitAnswer(t, pod)

	c.remove(t, "roles", "credential-resolver")
	require.Eventually(t, func() bool {
		status, answer, err := askPod(t.Context(), pod, "credentials", "analytics-db?metadata.refresh=true")
		return err == nil && status == http.StatusInternalServerError && strings.Contains(answer, "PermissionDenied")
	}, patience, tick)
	require.NoError(t, pod.Stop())
}

// remove removes an object of RBAC from the default namespace.
func (c *cluster) remove(t *testing.T, plural, name string) {
	t.Helper()
	path := "/apis/rbac.authorization.k8s.io/v1/namespaces/default/" + plural + "/" + name
	require.NoError(t, c.Do(t.Context(), http.MethodDelete, path, nil, nil))
}
