//go:build deploy

package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/container"
)

// tmpfsFolder makes a folder that is in memory, with the options of a tmpfs.
func tmpfsFolder(t *testing.T, folder, options string) string {
	t.Helper()
	var uid, gid int
	var mode os.FileMode
	_, err := fmt.Sscanf(options, "uid=%d,gid=%d,mode=%o,", &uid, &gid, &mode)
	require.NoError(t, err, options)
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Chown(folder, uid, gid))
	require.NoError(t, os.Chmod(folder, mode))
	return folder
}

// program is an image with one of the programs that make has built.
func program(t *testing.T, name string) container.Mount {
	t.Helper()
	path, err := filepath.Abs(binary(t, name))
	require.NoError(t, err)
	return container.Mount{Source: path, Target: "/" + name, ReadOnly: true}
}

// busybox is an image with a shell and the programs that the application needs.
func busybox() (image []container.Mount) {
	for _, applet := range []string{"sh", "wget", "sleep"} {
		image = append(image, container.Mount{Source: "/bin/busybox", Target: "/bin/" + applet, ReadOnly: true})
	}
	return image
}

// entrypoint returns the entry point of a service's image. Only ours has one.
func entrypoint(t *testing.T, name string) []string {
	t.Helper()
	if name != "credential-resolver" {
		return nil
	}
	text, err := os.ReadFile("../../deploy/Dockerfile")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^ENTRYPOINT (.*)$`).FindSubmatch(text)
	require.NotNil(t, found)
	var command []string
	require.NoError(t, json.Unmarshal(found[1], &command))
	return command
}
