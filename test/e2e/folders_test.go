//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/owned/ownedtest"
	"credential-resolver/test/harness"
)

// asStranger runs a shell command as another user. Only root can do that. Without root, it runs
// as this user.
func asStranger(t *testing.T, script string, args ...string) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: ownedtest.Stranger, Gid: ownedtest.Stranger},
		}
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestStrangersSocketFolder lets another user create the socket's folder before the component
// starts, in a folder like /tmp, with a symbolic link at the path of the lock.
func TestStrangersSocketFolder(t *testing.T) {
	t.Parallel()
	tmp := ownedtest.Folder(t, os.ModeSticky|0o777)
	sockets, victim := filepath.Join(tmp, "sockets"), filepath.Join(ownedtest.Folder(t, 0o755), "made")
	asStranger(t, `umask 0; mkdir -m 0777 -p "$1" "$1/.credential-resolver"; ln -s "$2" "$1/.credential-resolver/lock"`, sockets, victim)

	said := refusedStart(t, sockets)

	require.Contains(t, said, "the socket's folder is not safe: "+sockets+" (owner uid ")
	if os.Getuid() == 0 {
		require.Contains(t, said, "(owner uid 54321, mode 0777) does not belong to this process's user (uid 0): use another folder")
	}
	require.NoFileExists(t, victim)

	// As the error advises, use another folder.
	component := startComponent(t, harness.ComponentOptions{SocketFolder: filepath.Join(tmp, "another")})
	requireSaid(t, component, "serves on "+filepath.Join(tmp, "another"))
}

// TestSharedSocketFolder uses the socket folder and the state dir of a pod: emptyDirs that
// belong to root and have the mode 0777. The component runs without root's rights.
func TestSharedSocketFolder(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	makeReachable(t, s.folder)
	o := harness.ComponentOptions{
		SocketFolder: ownedtest.Folder(t, 0o777), StateDir: ownedtest.Folder(t, 0o777),
	}
	require.Contains(t, refusedStart(t, o.SocketFolder), "--shared-socket-folder")
	require.NoError(t, os.Chmod(s.path("secrets.json"), 0o644))
	if os.Getuid() == 0 {
		o.UID, o.Binary = nobody, copyBinary(t)
	}
	o.Args = []string{"--shared-socket-folder"}
	first := startComponent(t, o)
	daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
	requireServes(t, daprd)
	first.Kill()
	startComponent(t, o)
	requireAnswers(t, &sidecar{daprd: daprd})
}

// TestReplacedSocket lets another user, who may write to the folder, replace the component's
// socket. The component must exit with an error, so that its supervisor notices.
func TestReplacedSocket(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	o := harness.ComponentOptions{
		SocketFolder: ownedtest.Folder(t, 0o777), StateDir: t.TempDir(), Args: []string{"--shared-socket-folder"},
	}
	first := launchComponent(t, o)
	require.NoError(t, first.AwaitReady(t.Context()))
	daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
	requireServes(t, daprd)
	socket := filepath.Join(o.SocketFolder, "credential-resolver.sock")

	asStranger(t, `mv "$1" "$1.away"; : > "$1"`, socket)

	requireEnds(t, first.Process, "it serves a socket that daprd does not find")
	require.ErrorContains(t, first.Stop(), "exit status 1")
	require.Contains(t, first.Log(), "level=error")
	require.Contains(t, first.Log(), socket+" was replaced while it was served, so daprd sends its secrets to another process")
	require.FileExists(t, socket, "the replacement must not be removed")

	require.NoError(t, os.Remove(socket))
	startComponent(t, o)
	requireAnswers(t, &sidecar{daprd: daprd})
}

// TestStrangersDatabase uses a database of another user. Init must fail, and daprd's log must
// say what to do.
func TestStrangersDatabase(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	path := filepath.Join(ownedtest.Folder(t, 0o755), "a.db")
	require.NoError(t, os.WriteFile(path, nil, 0o644)) // an empty file is an empty database
	says := ownedtest.GiveAway(t, path)
	sockets := socketFolder(t)
	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	metadata := s.metadata(map[string]any{"configStore": "state.sqlite", "configStore.connectionString": path})
	delete(metadata, "configStore.rootPath")

	daprd := launchDaprd(t, sockets, newResourceFolder(t, credentials("credentials", metadata)))

	requireEnds(t, daprd.Process, "it takes configs from a stranger")
	require.Contains(t, daprd.Log(), "configStore (state.sqlite): "+path+" (owner uid ")
	if os.Getuid() == 0 {
		require.Contains(t, daprd.Log(), says)
	}
}
