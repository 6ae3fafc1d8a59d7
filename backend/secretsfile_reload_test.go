package backend_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/resolver/credential"
)

func requireSecret(t *testing.T, store *backend.SecretStore, want string) {
	t.Helper()
	got, err := store.Secret(within(t), "a")
	require.NoError(t, err)
	require.Equal(t, fields{"a": want}, got)
}

func TestSecretsFileIsReadAgainWhenItChanges(t *testing.T) {
	changes := map[string]func(t *testing.T, path string){
		"it is written to": func(t *testing.T, path string) {
			writeFile(t, path, `{"a":"a longer one"}`)
		},
		"it is written to, to the same size": func(t *testing.T, path string) {
			writeFile(t, path, `{"a":"new"}`)
		},
		"it is written to, and its time is reset": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			writeFile(t, path, `{"a":"new"}`)
			require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
		"another one is renamed to it": func(t *testing.T, path string) {
			replaceFile(t, path, `{"a":"new"}`)
		},
		"another one with the same time is renamed to it": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			writeFile(t, path+".next", `{"a":"new"}`)
			require.NoError(t, os.Chtimes(path+".next", info.ModTime(), info.ModTime()))
			require.NoError(t, os.Rename(path+".next", path))
		},
		"it is removed and created again": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			writeFile(t, path, `{"a":"new"}`)
		},
	}
	for when, change := range changes {
		t.Run("when "+when, func(t *testing.T) {
			path := tempFile(t, "secrets.json", `{"a":"old"}`)
			// Set an old time, as for a file that a person edits later. Otherwise both writes
			// may fall into the same tick of the file system's clock.
			then := time.Now().Add(-time.Hour)
			require.NoError(t, os.Chtimes(path, then, then))
			store := openSecrets(t, localFile, fields{"secretsFile": path})
			requireSecret(t, store, "old")
			change(t, path)
			got, err := store.Secret(within(t), "a")
			require.NoError(t, err)
			require.NotEqual(t, "old", got["a"])
		})
	}
}

func TestSecretThatIsTakenOutOfTheFileIsMissing(t *testing.T) {
	path := tempFile(t, "secrets.json", `{"a":"b","c":"d"}`)
	store := openSecrets(t, localFile, fields{"secretsFile": path})
	requireSecret(t, store, "b")
	replaceFile(t, path, `{"c":"d"}`)
	_, err := store.Secret(within(t), "a")
	requireKind(t, credential.NotFound, err)
}

func TestSecretsFileThatBreaksIsAFailureUntilItIsMended(t *testing.T) {
	const canary = "canary-in-the-file"
	breaks := map[string]func(t *testing.T, path string){
		"half of it is written": func(t *testing.T, path string) {
			writeFile(t, path, `{"a":"`+canary)
		},
		"it is emptied": func(t *testing.T, path string) {
			writeFile(t, path, "")
		},
		"it is no longer an object": func(t *testing.T, path string) {
			writeFile(t, path, `["`+canary+`"]`)
		},
		"it is removed": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
		},
		"its folder is renamed": func(t *testing.T, path string) {
			folder := path[:strings.LastIndexByte(path, '/')]
			require.NoError(t, os.Rename(folder, folder+"-old"))
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder+"-old")) })
		},
		"a folder replaces it": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		},
	}
	for when, breakIt := range breaks {
		t.Run(when, func(t *testing.T) {
			path := tempFile(t, "secrets.json", `{"a":"b"}`)
			store := openSecrets(t, localFile, fields{"secretsFile": path})
			requireSecret(t, store, "b")
			breakIt(t, path)
			for _, name := range []string{"a", "never-there"} {
				_, err := store.Secret(within(t), name)
				requireKind(t, credential.Unavailable, err)
				require.NotContains(t, fmt.Sprint(err, detail(err)), canary)
			}
			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o700))
			replaceFile(t, path, `{"a":"mended"}`)
			requireSecret(t, store, "mended")
		})
	}
}

// A read may see the file change, and then a retry helps. A successful read must return one
// complete version. Every version has the secret, so it must never be missing.
func TestSecretsFileIsReadWholeWhileItIsReplaced(t *testing.T) {
	const versions, readers = 200, 4
	version := func(i int) string {
		text := strings.Repeat(fmt.Sprintf("%03d.", i), 200)
		return fmt.Sprintf(`{"a":{"one":%q,"two":%q}}`, text, text)
	}
	path := tempFile(t, "secrets.json", version(0))
	store := openSecrets(t, localFile, fields{"secretsFile": path, "multiValued": "true"})

	var done atomic.Bool
	var answers atomic.Int64
	var readersDone sync.WaitGroup
	for range readers {
		readersDone.Go(func() {
			for !done.Load() || answers.Load() == 0 {
				got, err := store.Secret(t.Context(), "a")
				if credential.KindOf(err) == credential.Unavailable && err != nil {
					continue
				}
				if err != nil || got["one"] != got["two"] || got["one"] != strings.Repeat(got["one"][:4], 200) {
					t.Errorf("not one of the versions: %v %v", err, detail(err))
					return
				}
				answers.Add(1)
			}
		})
	}
	for i := range versions {
		replaceFile(t, path, version(i+1))
	}
	done.Store(true)
	readersDone.Wait()
	got, err := store.Secret(within(t), "a")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat(fmt.Sprintf("%03d.", versions), 200), got["one"], "the last version must be read")
}
