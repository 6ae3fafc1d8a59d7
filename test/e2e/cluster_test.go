//go:build e2e && kubernetes

package e2e

import (
	"bytes"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/harness"
	"credential-resolver/test/kubelet"
)

const (
	// daprNamespace is the namespace of Dapr's control plane.
	daprNamespace = "dapr-system"
	// ourImage is the image of the component in our manifests.
	ourImage = "credential-resolver:latest"
)

// cluster is an API server with Dapr's control plane, installed from Dapr's own chart: sentry, the
// operator and the sidecar injector, each in a pod. Pods run on one node. There are no
// controllers: the test creates the pods of a Deployment as the ReplicaSet's controller does.
type cluster struct {
	*harness.Kubernetes

	node *kubelet.Node

	created map[string]bool // by install
}

// daprChart returns the folder of Dapr's own chart, in the module of the pinned version.
func daprChart(t *testing.T) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/dapr/dapr")
	list.Dir = "../daprd"
	folder, err := list.Output()
	require.NoError(t, err)
	return filepath.Join(strings.TrimSpace(string(folder)), "charts/dapr")
}

// helm renders a chart.
func helm(t *testing.T, args ...string) []object {
	t.Helper()
	var stderr bytes.Buffer
	template := exec.Command(binary(t, "HELM", "helm"), append([]string{"template"}, args...)...)
	template.Stderr = &stderr
	text, err := template.Output()
	require.NoError(t, err, stderr.String())
	return decodeManifests(t, text)
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	server, err := harness.StartKubernetes(t.Context(), binary(t, "KUBE_APISERVER", "kube-apiserver"))
	if server != nil {
		t.Cleanup(server.Remove)
	}
	require.NoError(t, err)
	node, err := kubelet.NewNode(server, images(t))
	t.Cleanup(node.Remove)
	require.NoError(t, err)
	c := &cluster{Kubernetes: server, node: node, created: map[string]bool{}}
	c.fillNamespace(t, "default")
	c.installDapr(t)
	return c
}

// create creates an object. Dapr's definitions of its kinds take a moment after they are created.
func (c *cluster) create(t *testing.T, o object) {
	t.Helper()
	require.EventuallyWithT(t, func(collect *assert.CollectT) {
		err := c.Do(t.Context(), http.MethodPost, collection(o)+"?fieldValidation=Strict", o, nil)
		require.NoError(collect, err)
	}, patience, tick)
}

// fillNamespace creates what controllers create in each namespace.
func (c *cluster) fillNamespace(t *testing.T, name string) {
	t.Helper()
	c.create(t, object{
		"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": "default", "namespace": name},
	})
	c.create(t, object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "kube-root-ca.crt", "namespace": name},
		"data": object{"ca.crt": c.Etcd.CA.Certificate},
	})
}

// installDapr installs Dapr without actors and without its scheduler.
func (c *cluster) installDapr(t *testing.T) {
	t.Helper()
	chart := daprChart(t)
	c.create(t, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": daprNamespace}})
	c.fillNamespace(t, daprNamespace)
	definitions, err := filepath.Glob(filepath.Join(chart, "crds/*.yaml"))
	require.NoError(t, err)
	for _, path := range definitions {
		for _, o := range manifests(t, path) {
			c.create(t, o)
		}
	}
	// Sentry asks for the Configuration that a pod names. It must have seen it by then, so it is
	// created first.
	c.createAll(t, manifests(t, "../../deploy/kubernetes/configuration.yaml"))
	objects := helm(t, "dapr", chart, "--namespace", daprNamespace,
		"--set", "global.tag=1.18.2,global.actors.enabled=false,global.scheduler.enabled=false,global.prometheus.enabled=false")
	for _, o := range objects {
		if kind := o["kind"]; kind != "Deployment" && kind != "StatefulSet" && kind != "PodDisruptionBudget" {
			c.create(t, o)
		}
	}
	require.NoError(t, c.node.Forward(t.Context()))
	for _, name := range []string{"dapr-sentry", "dapr-operator", "dapr-sidecar-injector"} {
		i := slices.IndexFunc(objects, func(o object) bool {
			return o["kind"] == "Deployment" && o["metadata"].(object)["name"] == name
		})
		require.GreaterOrEqual(t, i, 0, name)
		c.ready(t, c.run(t, objects[i]))
	}
	c.awaitInjector(t)
}

// awaitInjector waits until the API server asks the injector about new pods, which it does a
// moment after the injector is ready.
func (c *cluster) awaitInjector(t *testing.T) {
	t.Helper()
	pod := object{
		"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": "trial", "annotations": object{"dapr.io/enabled": "true"}},
		"spec": object{"containers": []object{{"name": "app", "image": "app"}}},
	}
	require.Eventually(t, func() bool {
		var patched corev1.Pod
		err := c.Do(t.Context(), http.MethodPost, collection(pod)+"?dryRun=All", pod, &patched)
		return err == nil && len(patched.Spec.Containers) == 2
	}, patience, tick)
}

// run creates a pod of a Deployment, and starts it.
func (c *cluster) run(t *testing.T, deployment object) *kubelet.Pod {
	t.Helper()
	pod := c.prepare(t, deployment)
	require.NoError(t, pod.Start(t.Context()))
	return pod
}

// prepare creates a pod of a Deployment on the node, and does not start it.
func (c *cluster) prepare(t *testing.T, deployment object) *kubelet.Pod {
	t.Helper()
	pod, err := c.node.Pod(t.Context(), namespaceOf(deployment), c.createPod(t, deployment))
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, container := range slices.Concat(pod.Init, pod.Containers) {
			if t.Failed() {
				t.Logf("%s in %s:\n%s", container.Spec.Name, pod.Spec.Name, container.Log())
			}
		}
	})
	return pod
}

// createPod creates a pod of a Deployment, and returns its name.
func (c *cluster) createPod(t *testing.T, deployment object) string {
	t.Helper()
	template := deployment["spec"].(object)["template"].(object)
	metadata := object{
		"generateName": deployment["metadata"].(object)["name"].(string) + "-", "namespace": namespaceOf(deployment),
	}
	for _, key := range []string{"labels", "annotations"} {
		metadata[key] = template["metadata"].(object)[key]
	}
	controller := c.As("system:serviceaccount:kube-system:replicaset-controller", "system:serviceaccounts")
	var created struct{ Metadata struct{ Name string } }
	pod := object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
	require.NoError(t, controller.Do(t.Context(), http.MethodPost, collection(pod), pod, &created))
	return created.Metadata.Name
}

func (c *cluster) ready(t *testing.T, pod *kubelet.Pod) {
	t.Helper()
	require.NoError(t, pod.Ready(t.Context()))
}

// images returns the images of the pods: ours as deploy/Dockerfile makes it, those of Dapr with the
// programs of the pinned version, and the example's application with this machine's shell and
// curl.
func images(t *testing.T) map[string]kubelet.Image {
	t.Helper()
	entrypoint, err := harness.Instruction("../../deploy/Dockerfile", "ENTRYPOINT")
	require.NoError(t, err)
	command, err := harness.Instruction("../../deploy/Dockerfile", "CMD")
	require.NoError(t, err)
	found := map[string]kubelet.Image{
		ourImage: {
			Files:      map[string]string{"/credential-resolver": binary(t, "CREDENTIAL_RESOLVER", "credential-resolver")},
			Entrypoint: entrypoint, Cmd: command, UID: 65532, GID: 65532,
		},
		"curlimages/curl:8.11.1": {
			Files: map[string]string{"/bin": "/usr/bin", "/lib": "/usr/lib", "/lib64": "/usr/lib64", "/usr": "/usr"}, UID: 100, GID: 101,
		},
	}
	for _, name := range []string{"daprd", "sentry", "operator", "injector"} {
		found["ghcr.io/dapr/"+name+":1.18.2"] = kubelet.Image{
			Files: map[string]string{"/" + name: binary(t, strings.ToUpper(name), name)}, UID: 65532, GID: 65532,
		}
	}
	return found
}
