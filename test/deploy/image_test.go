//go:build deploy

package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/container"
	"credential-resolver/test/harness"
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
	command, err := harness.Instruction("../../deploy/Dockerfile", "ENTRYPOINT")
	require.NoError(t, err)
	return command
}
