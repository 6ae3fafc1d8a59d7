// Package deploy has the files that run the component in production. Its tests check the
// manifests against the component.
package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
)

// TestComponentsAreAccepted parses the shipped Component files with the component's own parser.
// Package component does that for the files of each store.
func TestComponentsAreAccepted(t *testing.T) {
	for _, path := range []string{
		"kubernetes/credentials.yaml", "../components/credentials.yaml", "../components/local/credentials.yaml", "compose/resources/credentials.yaml",
	} {
		t.Run(path, func(t *testing.T) {
			properties, err := componentfile.Load(path)
			require.NoError(t, err)
			_, err = component.ParseMetadata(properties)
			require.NoError(t, err)
		})
	}
}

// TestContainerIsInjectable reads the annotation as Dapr's injector does, and checks that the
// pod has each of its volumes.
func TestContainerIsInjectable(t *testing.T) {
	var manifest struct {
		Metadata struct{ Annotations map[string]string }
	}
	text, err := os.ReadFile("kubernetes/credentials.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &manifest))
	var container struct {
		Image           string
		Args            []string
		VolumeMounts    []struct{ Name, MountPath string }
		SecurityContext struct{ RunAsUser int }

		LivenessProbe, ReadinessProbe struct{ Exec struct{ Command []string } }
	}
	require.NoError(t, json.Unmarshal([]byte(manifest.Metadata.Annotations["dapr.io/component-container"]), &container))
	require.Equal(t, 65532, container.SecurityContext.RunAsUser, "must be daprd's user, which then may write to the socket")

	require.Contains(t, container.Args, "--shared-socket-folder", "the injector mounts an emptyDir, which is 0777")
	require.Contains(t, container.Args, "--single-daprd", "the pod's one daprd is in another PID namespace")
	require.Contains(t, container.Args, "--shutdown-delay=20s", "must be less than the pod's grace period of 30 s")

	for _, probe := range [][]string{container.LivenessProbe.Exec.Command, container.ReadinessProbe.Exec.Command} {
		require.Equal(t, []string{"/credential-resolver", "healthcheck"}, probe, "the image has no shell")
	}

	volumes := podVolumes(t, "kubernetes/app.yaml")
	require.NotEmpty(t, container.VolumeMounts)
	inMemory := ""
	for _, mount := range container.VolumeMounts {
		require.Contains(t, volumes, mount.Name, "the injector adds an empty volume for a missing one")
		if volumes[mount.Name] == "Memory" {
			inMemory = mount.MountPath
		}
	}
	require.Equal(t, "/run/credential-resolver", inMemory, "must be the default of --state-dir without $XDG_RUNTIME_DIR")
}

// podVolumes returns the names of a pod's volumes, each with the medium of its emptyDir, or "".
func podVolumes(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(path))
	require.NoError(t, err)
	media := map[string]string{}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var manifest struct {
			Spec struct {
				Template struct {
					Spec struct {
						Volumes []struct {
							Name     string
							EmptyDir struct{ Medium string } `yaml:"emptyDir"`
						}
					}
				}
			}
		}
		err := d.Decode(&manifest)
		if errors.Is(err, io.EOF) {
			return media
		}
		require.NoError(t, err)
		for _, v := range manifest.Spec.Template.Spec.Volumes {
			media[v.Name] = v.EmptyDir.Medium
		}
	}
}
