//go:build e2e && kubernetes

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/kubelet"
	"credential-resolver/test/session"
)

// registry is the reader's registry.
const registry = "registry.example.com"

// tutorialReader does what the reader of docs/tutorial-kubernetes.md does. The commands that need
// a kubelet or a registry are answered by the test, and the others are the real programs.
type tutorialReader struct {
	*cluster

	t   *testing.T
	env []string
	pod *kubelet.Pod
}

func TestClusterTutorial(t *testing.T) {
	text, err := os.ReadFile("../../docs/tutorial-kubernetes.md")
	require.NoError(t, err)
	steps, err := session.Parse(string(text))
	require.NoError(t, err)

	r := &tutorialReader{cluster: startCluster(t), t: t}
	r.node.Images[registry+"/"+ourImage] = r.node.Images[ourImage]
	home := t.TempDir()
	kubeconfig, err := r.Kubeconfig(nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "kubeconfig"), kubeconfig, 0o600))
	r.env = []string{
		"PATH=" + home + ":" + os.Getenv("PATH"), "HOME=" + home, "KUBECONFIG=" + home + "/kubeconfig", "REGISTRY=" + registry,
	}
	session.AddCommand(t, home, "kubectl", r.kubectl)
	session.AddCommand(t, home, "helm", r.helm)
	for _, name := range []string{"make", "buildah"} {
		session.AddCommand(t, home, name, func([]string) (string, error) { return "", nil })
	}

	require.NoError(t, session.Run(t.Context(), steps, session.Options{Dir: "../..", Env: r.env}))
	require.NotNil(t, r.pod)
}

// program runs a real program.
func (r *tutorialReader) program(name string, args []string) (string, error) {
	path, err := filepath.Abs(binary(r.t, strings.ToUpper(name), name))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(r.t.Context(), path, args...)
	cmd.Dir, cmd.Env = "../..", r.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// helm runs helm, except to install Dapr from a repository: it is there already.
func (r *tutorialReader) helm(args []string) (string, error) {
	if slices.Contains(args, "--repo") {
		return "", nil
	}
	return r.program("helm", args)
}

func (r *tutorialReader) kubectl(args []string) (string, error) {
	switch args[0] {
	case "rollout":
		return r.rollout(strings.TrimPrefix(args[2], "deployment/"))
	case "logs":
		return r.pod.Container(args[3]).Log(), nil
	case "exec":
		return r.pod.Container(args[3]).Exec(r.t.Context(), args[5:]...)
	}
	out, err := r.program("kubectl", args)
	switch {
	case err != nil:
	case args[0] == "create" && args[1] == "namespace":
		r.fillNamespace(r.t, args[2])
	case args[0] == "patch":
		err = r.pod.Sync(r.t.Context())
	}
	return out, err
}

// rollout does what the controllers and the kubelet do for a Deployment.
func (r *tutorialReader) rollout(name string) (string, error) {
	text, err := r.program("kubectl", []string{"get", "deployment", name, "--output", "json"})
	if err != nil {
		return text, err
	}
	var deployment object
	if err := json.Unmarshal([]byte(text), &deployment); err != nil {
		return "", err
	}
	if r.pod != nil {
		return "", errors.New("the Deployment has a pod already")
	}
	r.pod = r.run(r.t, deployment)
	return fmt.Sprintf("deployment %q successfully rolled out\n", name), r.pod.Ready(r.t.Context())
}
