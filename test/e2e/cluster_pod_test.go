//go:build e2e && kubernetes

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/kubelet"
)

// The names that the injector gives.
const (
	socketVolume = "dapr-components-unix-domain-socket"
	podSockets   = "/tmp/dapr-components-sockets"
)

// install creates what deploy/kubernetes has for the example, and returns its Deployment: with the
// injected component, or with the native sidecar. Each pair of annotations is added to its pods.
func (c *cluster) install(t *testing.T, app string, annotations ...string) object {
	t.Helper()
	var objects []object
	for _, file := range []string{"credentials.yaml", "configuration.yaml", app} {
		objects = append(objects, manifests(t, "../../deploy/kubernetes/"+file)...)
	}
	deployment := c.createAll(t, objects)
	template := deployment["spec"].(object)["template"].(object)["metadata"].(object)["annotations"].(object)
	for i := 0; i < len(annotations); i += 2 {
		template[annotations[i]] = annotations[i+1]
	}
	return deployment
}

// createAll creates the objects that are not created yet, except for the Deployment, which it
// returns.
func (c *cluster) createAll(t *testing.T, objects []object) (deployment object) {
	t.Helper()
	for _, o := range objects {
		key := collection(o) + "/" + o["metadata"].(object)["name"].(string)
		switch {
		case o["kind"] == "Deployment":
			deployment = o
		case !c.created[key]:
			c.create(t, o)
			c.created[key] = true
		}
	}
	return deployment
}

const (
	injected      = "app.yaml"
	nativeSidecar = "app-native-sidecar.yaml"
)

// askPod requests a credential in the pod's network, as the application does.
func askPod(ctx context.Context, pod *kubelet.Pod, store, guid string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:3500/v1.0/secrets/"+store+"/"+guid, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := pod.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// awaitAnswer waits until the pod answers with the finished credential.
func awaitAnswer(t *testing.T, pod *kubelet.Pod) {
	t.Helper()
	var entries map[string]string
	require.Eventually(t, func() bool {
		status, answer, err := askPod(t.Context(), pod, "credentials", "analytics-db")
		return err == nil && status == http.StatusOK && json.Unmarshal([]byte(answer), &entries) == nil
	}, patience, tick)
	require.Equal(t, map[string]string{
		"credentialSource": "agent", "secret-path": "analytics-db",
		"host": "db.example.com", "port": "5432", "username": "app_user", "password": "replace-me",
	}, entries)
}

// TestClusterInjectorPatchesThePod compares what Dapr's injector makes of the example's pod with
// what the component relies on.
func TestClusterInjectorPatchesThePod(t *testing.T) {
	c := startCluster(t)
	pod := c.prepare(t, c.install(t, injected)).Spec.Spec

	require.Empty(t, pod.InitContainers)
	var names []string
	for _, container := range pod.Containers {
		names = append(names, container.Name)
	}
	require.Equal(t, []string{"app", "daprd", "credential-resolver"}, names, "daprd is started before the component")
	app, daprd, component := pod.Containers[0], pod.Containers[1], pod.Containers[2]

	folder := corev1.EnvVar{Name: "DAPR_COMPONENT_SOCKETS_FOLDER", Value: podSockets}
	require.Equal(t, []corev1.EnvVar{folder}, component.Env)
	require.Contains(t, daprd.Env, folder)
	require.NotContains(t, app.Env, folder)

	require.Equal(t, []string{"serve", "--shared-socket-folder", "--single-daprd", "--shutdown-delay=20s"}, component.Args)
	require.Equal(t, int64(65532), *component.SecurityContext.RunAsUser)
	require.Equal(t, int64(65532), *component.SecurityContext.RunAsGroup)
	require.True(t, *component.SecurityContext.ReadOnlyRootFilesystem)
	require.Nil(t, daprd.SecurityContext.RunAsUser, "daprd has the user of its image")
	require.True(t, *daprd.SecurityContext.RunAsNonRoot)

	health := []string{"/credential-resolver", "healthcheck"}
	require.Equal(t, health, component.LivenessProbe.Exec.Command)
	require.Equal(t, health, component.ReadinessProbe.Exec.Command)
	require.Equal(t, "/v1.0/healthz", daprd.ReadinessProbe.HTTPGet.Path)

	// The injector adds an empty volume for a missing one, so no other volume may be an emptyDir.
	empty := map[string]corev1.EmptyDirVolumeSource{}
	for _, volume := range pod.Volumes {
		if volume.EmptyDir != nil {
			empty[volume.Name] = *volume.EmptyDir
		}
	}
	require.Len(t, empty, 2)
	require.Equal(t, corev1.EmptyDirVolumeSource{}, empty[socketVolume], "the socket's folder is on a disk, with mode 0777")
	require.Equal(t, corev1.StorageMediumMemory, empty["credential-state"].Medium)

	mounts := func(container corev1.Container) map[string]string {
		found := map[string]string{}
		for _, mount := range container.VolumeMounts {
			if !strings.HasPrefix(mount.Name, "kube-api-access-") {
				found[mount.Name] = mount.MountPath
			}
		}
		return found
	}
	require.Equal(t, map[string]string{
		"credential-configs": "/etc/credential-resolver/configs", "credential-secrets": "/etc/credential-resolver/secrets",
		"credential-state": "/run/credential-resolver", socketVolume: podSockets,
	}, mounts(component))
	require.Equal(t, podSockets, mounts(daprd)[socketVolume])
	require.Empty(t, mounts(app))
}

// TestClusterPodAnswers runs the patched pod: each container with its own environment, user,
// mounts and PID namespace.
func TestClusterPodAnswers(t *testing.T) {
	c := startCluster(t)
	pod := c.run(t, c.install(t, injected))
	c.ready(t, pod)
	awaitAnswer(t, pod)

	app, daprd, component := pod.Container("app"), pod.Container("daprd"), pod.Container("credential-resolver")
	require.Eventually(t, func() bool {
		return strings.Contains(app.Log(), `{"host":"db.example.com","username":"app_user"}`)
	}, patience, tick, "the application's own request, with curl")

	// The Configuration denies other credentials, and the Secrets of the namespace.
	for store, name := range map[string]string{"credentials": "crm-api", "kubernetes": "credential-secrets"} {
		status, answer, err := askPod(t.Context(), pod, store, name)
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, status, answer)
		require.Contains(t, answer, "ERR_PERMISSION_DENIED")
	}

	users := map[*kubelet.Container]string{app: "100", daprd: "65532", component: "65532"}
	namespaces := map[string]bool{}
	for container, uid := range users {
		pid, err := container.PID()
		require.NoError(t, err)
		status := processStatus(t, pid)
		require.Equal(t, []string{uid, uid, uid, uid}, status["Uid"], container.Spec.Name)
		namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		require.NoError(t, err)
		namespaces[namespace] = true
		require.ElementsMatch(t, wantedEnvironment(container), variables(t, pid), container.Spec.Name)
	}
	require.Len(t, namespaces, len(users), "a PID namespace for each container")

	pid, err := component.PID()
	require.NoError(t, err)
	status := processStatus(t, pid)
	require.Equal(t, []string{"1"}, status["NoNewPrivs"])
	require.Equal(t, []string{"0000000000000000"}, status["CapBnd"])
	root := fmt.Sprintf("/proc/%d/root", pid)
	requireMode(t, root+podSockets, fs.ModeDir|0o777)
	requireMode(t, root+podSockets+"/credential-resolver.sock", fs.ModeSocket|0o660)
	requireMode(t, root+"/run/credential-resolver", fs.ModeDir|0o777)

	require.NoError(t, pod.Stop())
	require.NoError(t, daprd.Exit(), "exit status 0")
	require.NoError(t, component.Exit(), "exit status 0")
	require.Zero(t, component.Restarts())
}

// processStatus returns the fields of a process's status.
func processStatus(t *testing.T, pid int) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	fields := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, values, _ := strings.Cut(line, ":")
		fields[name] = strings.Fields(values)
	}
	return fields
}

// variables returns the names of a process's environment.
func variables(t *testing.T, pid int) (names []string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	require.NoError(t, err)
	for variable := range strings.SplitSeq(strings.TrimSuffix(string(text), "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	return names
}

// wantedEnvironment returns the names in the pod, and those that each container has in a cluster.
func wantedEnvironment(container *kubelet.Container) []string {
	names := []string{"PATH", "HOSTNAME", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
	for _, variable := range container.Spec.Env {
		names = append(names, variable.Name)
	}
	slices.Sort(names)
	return names
}

func requireMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, mode, info.Mode(), path)
}
