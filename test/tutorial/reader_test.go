//go:build tutorial

package tutorial

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/session"
)

// withDaprd prepares a machine on which daprd is built already. The session has a network of its own,
// so the ports are those of the document.
func withDaprd(t *testing.T, r reader) session.Options {
	t.Helper()
	r.link(t, "daprd", "bin/daprd")
	return session.Options{Dir: r.folder, Env: r.env(t), OwnNetwork: true}
}

// installed is withDaprd, and the product is in the path too.
func installed(t *testing.T, r reader) session.Options {
	t.Helper()
	r.link(t, "credential-resolver", "bin/credential-resolver")
	options := withDaprd(t, r)
	options.Env[0] = "PATH=" + filepath.Join(r.folder, "bin") + ":" + os.Getenv("PATH")
	return options
}

// withVault prepares a machine with OpenBao as "vault", and its administrator's token.
func withVault(t *testing.T, r reader) session.Options {
	t.Helper()
	r.link(t, "bao", "bin/vault")
	options := installed(t, r)
	options.Env = append(options.Env, "VAULT_ADDR=http://127.0.0.1:8200", "VAULT_TOKEN=root")
	return options
}

// laptop prepares tutorial-laptop.md: "dapr init --slim" was run.
func laptop(t *testing.T, r reader) session.Options {
	t.Helper()
	r.link(t, "dapr", "bin/dapr")
	r.link(t, "daprd", "home/.dapr/bin/daprd")
	r.write(t, "home/.dapr/config.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: daprConfig\n")
	require.NoError(t, os.MkdirAll(filepath.Join(r.folder, "home/.dapr/components"), 0o700))
	return withDaprd(t, r)
}

// reader has a copy of the repository.
type reader struct{ folder string }

// newReader copies the repository without what was built. The files keep their times, so that make
// does not build daprd again.
func newReader(t *testing.T) reader {
	t.Helper()
	r := reader{t.TempDir()}
	out, err := exec.CommandContext(t.Context(), "sh", "-euc",
		`tar -C ../.. --exclude=./bin --exclude=./.git -cf - . | tar -C "$1" -xf -`, "sh", r.folder).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, folder := range []string{"bin", "home", "home/run"} {
		require.NoError(t, os.Mkdir(filepath.Join(r.folder, folder), 0o700))
	}
	return r
}

// env is the environment of a new user who has already downloaded the Go modules.
func (r reader) env(t *testing.T) []string {
	t.Helper()
	home := filepath.Join(r.folder, "home")
	sockets, err := os.MkdirTemp("", "credential-resolver-") // a short path, as a socket needs
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home + "/run",
		"DAPR_COMPONENTS_SOCKETS_FOLDER=" + sockets, "GOPROXY=off",
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		require.NoError(t, err)
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

// link makes a program that make has built available at a path.
func (r reader) link(t *testing.T, program, path string) {
	t.Helper()
	built, err := harness.Binary(strings.ToUpper(program), "../..", program)
	require.NoError(t, err)
	path = filepath.Join(r.folder, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.Symlink(built, path))
}

// write writes a file.
func (r reader) write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(r.folder, path), []byte(text), 0o600))
}
