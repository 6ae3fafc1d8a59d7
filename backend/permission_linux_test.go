package backend

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/resolver/credential"
)

// asNobody runs fn as a user who owns nothing: root, whom the modes of files do
// not bind, may run the tests. Only this thread changes its user, and it ends
// with the goroutine.
func asNobody(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		const nobody = 65534
		_, _ = unix.SetfsuidRetUid(nobody) // fails for whoever is not root, and need not work then
		fn()
	}()
	<-done
}

// unreadable returns a file in a folder that everybody may search, and that
// nobody may read.
func unreadable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(openFolder(t), "secret.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
	require.NoError(t, os.Chmod(path, 0))
	return path
}

// chmod restricts a folder, for its owner too, until the test ends.
func chmod(t *testing.T, folder string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.Chmod(folder, mode))
	t.Cleanup(func() { require.NoError(t, os.Chmod(folder, 0o700)) })
}

// forbid takes the right to read a file or a folder from everybody, until the test ends.
func forbid(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0))
	t.Cleanup(func() { require.NoError(t, os.Chmod(path, info.Mode())) })
}

// openFolder returns a new folder that everybody may search.
func openFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range []string{folder, filepath.Dir(folder)} {
		require.NoError(t, os.Chmod(f, 0o755))
	}
	return folder
}

// What cannot be read now may be readable in a moment: the last good answer goes on.
func TestFilesThatCannotBeReadNowAreUnavailable(t *testing.T) {
	configs := func(t *testing.T, storeType string, fields map[string]string) configConn {
		t.Helper()
		conn, err := configStores()[storeType].connect(t.Context(), fields, devNull(t))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		require.NoError(t, conn.set(t.Context(), "g.json", []byte("{}")))
		return conn
	}
	get := func(conn configConn) func() error {
		return func() error { _, err := conn.get(context.Background(), "g.json"); return err }
	}
	tests := map[string]func(t *testing.T, folder string) (read func() error){
		"a config": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": folder})
			forbid(t, filepath.Join(folder, "g.json"))
			return get(conn)
		},
		"a folder above the configs": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": filepath.Join(folder, "configs")})
			forbid(t, folder)
			return get(conn)
		},
		"a list of configs": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": folder})
			require.NoError(t, os.Chmod(folder, 0o111))
			return func() error { _, err := conn.(lister).list(context.Background(), "{guid}.json", ""); return err }
		},
		"a database that replaced another": func(t *testing.T, folder string) func() error {
			path := filepath.Join(folder, "a.db")
			conn := configs(t, "state.sqlite", map[string]string{"connectionString": path})
			require.NoError(t, os.WriteFile(path+".new", nil, 0))
			require.NoError(t, os.Rename(path+".new", path))
			return get(conn)
		},
		"the folder of a database": func(t *testing.T, folder string) func() error {
			conn := configs(t, "state.sqlite", map[string]string{"connectionString": filepath.Join(folder, "a.db")})
			forbid(t, folder)
			return get(conn)
		},
		"a secrets file": func(t *testing.T, folder string) func() error {
			path := filepath.Join(folder, "secrets.json")
			require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
			conn, err := secretsLocalFile().connect(t.Context(), map[string]string{"secretsFile": path}, devNull(t))
			require.NoError(t, err)
			_, err = conn.get(t.Context(), "a")
			require.NoError(t, err)
			forbid(t, path)
			return func() error { _, err := conn.get(context.Background(), "a"); return err }
		},
		"the file of Vault's token": func(t *testing.T, folder string) func() error {
			path := filepath.Join(folder, "token")
			require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
			vault := &scriptedVault{status: http.StatusForbidden, body: `{"errors":["permission denied"]}`}
			conn := vault.connect(t, devNull(t), map[string]string{"vaultToken": "", "vaultTokenMountPath": path})
			_, err := conn.get(t.Context(), "a")
			require.Equal(t, credential.Denied, credential.KindOf(err), "the file has the token that Vault refuses")
			forbid(t, path)
			return func() error { _, err := conn.get(context.Background(), "a"); return err }
		},
		"the file of a Kubernetes token": func(t *testing.T, folder string) func() error {
			k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
			k.token.Store("old")
			path := filepath.Join(folder, "token")
			replaceFile(t, path, "old")
			conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": path}, nil))
			k.token.Store("new")
			forbid(t, path)
			return func() error { _, err := conn.get(context.Background(), "a"); return err }
		},
	}
	for name, arrange := range tests {
		t.Run(name, func(t *testing.T) {
			read := arrange(t, openFolder(t))
			var err error
			asNobody(func() { err = read() })
			require.Error(t, err)
			require.Equal(t, credential.Unavailable, credential.KindOf(err), "%+v", errors.Unwrap(err))
		})
	}
}

// It would end daprd.
func TestFilesThatCannotBeReadYetAreWaitedFor(t *testing.T) {
	secrets := func(t *testing.T, storeType string, fields map[string]string) error {
		t.Helper()
		_, err := secretStores(false)[storeType].connect(context.Background(), fields, devNull(t))
		return err
	}
	tests := map[string]func(t *testing.T, path string) error{
		"a secrets file": func(t *testing.T, path string) error {
			return secrets(t, "secretstores.local.file", map[string]string{"secretsFile": path})
		},
		"a kubeconfig": func(t *testing.T, path string) error {
			return secrets(t, "secretstores.kubernetes", map[string]string{"kubeconfigPath": path})
		},
		"the file of Vault's token": func(t *testing.T, path string) error {
			return secrets(t, "secretstores.hashicorp.vault", map[string]string{"vaultTokenMountPath": path})
		},
		"Vault's authority": func(t *testing.T, path string) error {
			return secrets(t, "secretstores.hashicorp.vault", map[string]string{"vaultToken": "t", "caCert": path})
		},
		"Vault's authorities": func(t *testing.T, path string) error {
			return secrets(t, "secretstores.hashicorp.vault", map[string]string{"vaultToken": "t", "caPath": filepath.Dir(path)})
		},
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			path := unreadable(t)
			var err error
			asNobody(func() { err = open(t, path) })
			require.Error(t, err)
			var final *permanentError
			require.False(t, errors.As(err, &final), "%v", err)
		})
	}
}

func TestAuthorityOfADatabaseThatCannotBeReadYetIsNoError(t *testing.T) {
	path := unreadable(t)
	for storeType, fields := range map[string]map[string]string{
		"state.postgresql": {"connectionString": "host=127.0.0.1 port=1 sslmode=verify-full sslrootcert=" + path},
		"state.mysql":      {"connectionString": "u:p@tcp(127.0.0.1:1)/", "pemPath": path},
		"state.mongodb":    {"connectionString": "mongodb://127.0.0.1:1/?tls=true&tlsCAFile=" + path},
	} {
		store := configStores()[storeType]
		var err error
		asNobody(func() { err = store.prepare(fields) })
		require.NoError(t, err, storeType)
		asNobody(func() { _, err = store.connect(context.Background(), fields, devNull(t)) })
		require.Equal(t, credential.Unavailable, credential.KindOf(err), storeType)
		var final *permanentError
		require.False(t, errors.As(err, &final), "%s: %v", storeType, err)
	}
}

func TestConfigThatMayNotBeWrittenIsDenied(t *testing.T) {
	path := unreadable(t)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	asNobody(func() { err = conn.set(t.Context(), filepath.Base(path), []byte("{}")) })
	require.Equal(t, credential.Denied, credential.KindOf(err))
}

// Whoever asks for that config is told why; the others are listed.
func TestConfigWhoseFolderMayNotBeReadIsListed(t *testing.T) {
	locked := filepath.Dir(unreadable(t))
	chmod(t, locked, 0)
	root := filepath.Dir(locked)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": root}, log)
	require.NoError(t, err)
	var p page
	asNobody(func() { p, err = conn.(lister).list(t.Context(), "{guid}/config.json", "") })
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Base(locked)}, p.guids)
}

func TestConfigThatMayNotBeDeletedIsDenied(t *testing.T) {
	path := unreadable(t)
	chmod(t, filepath.Dir(path), 0o555)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	asNobody(func() { err = conn.(deleter).delete(t.Context(), filepath.Base(path)) })
	require.Equal(t, credential.Denied, credential.KindOf(err))
	require.FileExists(t, path)
}
