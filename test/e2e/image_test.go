//go:build e2e && image

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/program"
)

// imageUser is the user of the image, and of daprd's own image.
const imageUser = 65532

// container is a container of the image. It has the network and the processes of this machine, because
// the test may not make namespaces.
type container struct{ name string }

// newContainer makes a container of the image that $IMAGE names. It is removed when the test ends.
func newContainer(t *testing.T) container {
	t.Helper()
	image := os.Getenv("IMAGE")
	require.NotEmpty(t, image, `"make image" sets IMAGE`)
	c := container{buildah(t, "from", image)}
	t.Cleanup(func() { buildah(t, "rm", c.name) })
	return c
}

func buildah(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("buildah", append([]string{"--storage-driver", "vfs"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

// program returns the path of a program that runs a command in the container, with more arguments. The
// socket's folder and the stores have the same paths inside.
func (c container) program(t *testing.T, sockets, stores string, command ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	program.Write(t, path, fmt.Appendf(nil, `#!/bin/sh
exec buildah --storage-driver vfs run --isolation chroot --user %d:%d -v %s:%[3]s -v %s:%[4]s:ro \
	--env DAPR_COMPONENTS_SOCKETS_FOLDER=%[3]s %[5]s -- %[6]s "$@"
`, imageUser, imageUser, sockets, stores, c.name, strings.Join(command, " ")), 0o755)
	return path
}

// imageConfig is a part of the OCI configuration of an image.
type imageConfig struct {
	User            string
	Entrypoint, Cmd []string
	Labels          map[string]string
}

func (c container) config(t *testing.T) imageConfig {
	t.Helper()
	var inspected struct {
		OCIv1 struct{ Config imageConfig }
	}
	require.NoError(t, json.Unmarshal([]byte(buildah(t, "inspect", c.name)), &inspected))
	return inspected.OCIv1.Config
}

func TestImageAnswersThroughDaprd(t *testing.T) {
	c := newContainer(t)
	s := newStores(t)
	require.NoError(t, os.Chmod(s.folder, 0o755))
	s.config(t, "guid", `{"credentialSource":"direct","password":"overlaid"}`)
	s.secret(t, "guid", map[string]string{"password": "from the image"})
	require.NoError(t, os.Chmod(s.path("secrets.json"), 0o644))

	folder := socketFolder(t)
	require.NoError(t, os.Chown(folder, imageUser, imageUser))
	health := c.program(t, folder, s.folder, "/credential-resolver", "healthcheck") // as an exec probe runs it
	component := startComponent(t, harness.ComponentOptions{
		Binary: c.program(t, folder, s.folder, c.config(t).Entrypoint...), SocketFolder: folder,
	})
	t.Cleanup(func() { // buildah ends the component when it ends, without waiting for it
		component.Kill()
		require.Eventually(t, func() bool { return exec.Command(health).Run() != nil }, patience, tick)
	})
	side := &sidecar{component, startDaprd(t, folder, newResourceFolder(t, credentials("credentials", s.metadata(nil)))), folder, ""}
	entries, failure := side.get(t, "credentials", "guid")
	require.Empty(t, failure)
	require.Equal(t, "from the image", entries["password"])

	out, err := exec.Command(health).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestImageSaysWhatItIs(t *testing.T) {
	c := newContainer(t)
	config := c.config(t)
	require.Equal(t, "65532:65532", config.User)
	require.Equal(t, []string{"/credential-resolver", "--allow-uid=65532"}, config.Entrypoint)
	require.Equal(t, []string{"serve"}, config.Cmd)
	for _, label := range []string{"title", "description", "licenses", "version", "revision"} {
		require.NotEmpty(t, config.Labels["org.opencontainers.image."+label], label)
	}

	root := buildah(t, "mount", c.name)
	t.Cleanup(func() { buildah(t, "umount", c.name) })
	var files []string
	require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return err
	}))
	require.Subset(t, []string{"/credential-resolver", "/licenses/NOTICES.txt", "/licenses/sbom.cdx.json"}, files)
	notices, err := os.ReadFile(filepath.Join(root, "licenses/NOTICES.txt"))
	require.NoError(t, err)
	require.Contains(t, string(notices), "Mozilla Public License")

	// The SBOM names every module of the notices.
	text, err := os.ReadFile(filepath.Join(root, "licenses/sbom.cdx.json"))
	require.NoError(t, err)
	var sbom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	require.NoError(t, json.Unmarshal(text, &sbom))
	require.Equal(t, "CycloneDX", sbom.BOMFormat)
	for _, component := range sbom.Components {
		if component.Name != "std" {
			require.Contains(t, string(notices), "\n"+component.Name+"@"+component.Version+": ")
		}
	}
	require.Greater(t, len(sbom.Components), 100)

	// The other image has no store of a cloud.
	for _, module := range cloudModules() {
		has := strings.Contains(string(notices), "\n"+module+"@")
		require.Equal(t, !strings.HasSuffix(os.Getenv("IMAGE"), "-nocloud"), has, module)
	}
}

// cloudModules returns modules that only the stores of a cloud need.
func cloudModules() []string {
	return []string{
		"github.com/aws/aws-sdk-go-v2/service/s3",
		"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets",
		"cloud.google.com/go/secretmanager",
	}
}
