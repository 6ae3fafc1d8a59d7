package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// A file that cannot be read now may become readable soon, so this is Unavailable and the last
// good answer is served.
func TestFilesThatCannotBeReadNowAreUnavailable(t *testing.T) {
	configs := func(t *testing.T, storeType string, fields map[string]string) store.ConfigConn {
		t.Helper()
		conn, err := configStores()[storeType].Connect(t.Context(), fields, storetest.DevNull(t))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		require.NoError(t, conn.Set(t.Context(), "g.json", []byte("{}")))
		return conn
	}
	get := func(conn store.ConfigConn) func() error {
		return func() error { _, err := conn.Get(context.Background(), "g.json"); return err }
	}
	tests := map[string]func(t *testing.T, folder string) (read func() error){
		"a config": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": folder})
			storetest.Forbid(t, filepath.Join(folder, "g.json"))
			return get(conn)
		},
		"a folder above the configs": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": filepath.Join(folder, "configs")})
			storetest.Forbid(t, folder)
			return get(conn)
		},
		"a list of configs": func(t *testing.T, folder string) func() error {
			conn := configs(t, "bindings.localstorage", map[string]string{"rootPath": folder})
			require.NoError(t, os.Chmod(folder, 0o111))
			return func() error { _, err := conn.(store.Lister).List(context.Background(), "{guid}.json", ""); return err }
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
			storetest.Forbid(t, folder)
			return get(conn)
		},
		"a secrets file": func(t *testing.T, folder string) func() error {
			path := filepath.Join(folder, "secrets.json")
			require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
			conn, err := secretsLocalFile().Connect(t.Context(), map[string]string{"secretsFile": path}, storetest.DevNull(t))
			require.NoError(t, err)
			_, err = conn.Get(t.Context(), "a")
			require.NoError(t, err)
			storetest.Forbid(t, path)
			return func() error { _, err := conn.Get(context.Background(), "a"); return err }
		},
	}
	for name, arrange := range tests {
		t.Run(name, func(t *testing.T) {
			read := arrange(t, storetest.OpenFolder(t))
			var err error
			storetest.AsNobody(func() { err = read() })
			storetest.RequireKind(t, credential.Unavailable, err, "%+v", errors.Unwrap(err))
		})
	}
}

// A permanent error would end daprd.
func TestSecretsFileThatCannotBeReadYetIsWaitedFor(t *testing.T) {
	path := storetest.Unreadable(t)
	var err error
	storetest.AsNobody(func() {
		_, err = secretsLocalFile().Connect(context.Background(), map[string]string{"secretsFile": path}, storetest.DevNull(t))
	})
	require.Error(t, err)
	var final *store.PermanentError
	require.False(t, errors.As(err, &final), "%v", err)
}

func TestAuthorityOfADatabaseThatCannotBeReadYetIsNoError(t *testing.T) {
	path := storetest.Unreadable(t)
	for storeType, fields := range map[string]map[string]string{
		"state.postgresql": {"connectionString": "host=127.0.0.1 port=1 sslmode=verify-full sslrootcert=" + path},
		"state.mysql":      {"connectionString": "u:p@tcp(127.0.0.1:1)/", "pemPath": path},
		"state.mongodb":    {"connectionString": "mongodb://127.0.0.1:1/?tls=true&tlsCAFile=" + path},
	} {
		storeType := configStores()[storeType]
		var err error
		storetest.AsNobody(func() { err = storeType.Prepare(fields) })
		require.NoError(t, err, storeType)
		storetest.AsNobody(func() { _, err = storeType.Connect(context.Background(), fields, storetest.DevNull(t)) })
		storetest.RequireKind(t, credential.Unavailable, err, storeType)
		var final *store.PermanentError
		require.False(t, errors.As(err, &final), "%s: %v", storeType, err)
	}
}

func TestConfigThatMayNotBeWrittenIsDenied(t *testing.T) {
	path := storetest.Unreadable(t)
	log, _ := storetest.NewLog(t, "error")
	conn, err := bindingsLocalStorage().Connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	storetest.AsNobody(func() { err = conn.Set(t.Context(), filepath.Base(path), []byte("{}")) })
	storetest.RequireKind(t, credential.Denied, err)
}

// A request for that config gets the reason. The other configs are still listed.
func TestConfigWhoseFolderMayNotBeReadIsListed(t *testing.T) {
	locked := filepath.Dir(storetest.Unreadable(t))
	storetest.Chmod(t, locked, 0)
	root := filepath.Dir(locked)
	log, _ := storetest.NewLog(t, "error")
	conn, err := bindingsLocalStorage().Connect(t.Context(), map[string]string{"rootPath": root}, log)
	require.NoError(t, err)
	var p store.Page
	storetest.AsNobody(func() { p, err = conn.(store.Lister).List(t.Context(), "{guid}/config.json", "") })
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Base(locked)}, p.GUIDs)
}

func TestConfigThatMayNotBeDeletedIsDenied(t *testing.T) {
	path := storetest.Unreadable(t)
	storetest.Chmod(t, filepath.Dir(path), 0o555)
	log, _ := storetest.NewLog(t, "error")
	conn, err := bindingsLocalStorage().Connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	storetest.AsNobody(func() { err = conn.(store.Deleter).Delete(t.Context(), filepath.Base(path)) })
	storetest.RequireKind(t, credential.Denied, err)
	require.FileExists(t, path)
}
