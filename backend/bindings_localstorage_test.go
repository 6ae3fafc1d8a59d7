package backend_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/bindings/localstorage"
	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/backend"
	"credential-resolver/resolver/credential"
)

func openFolder(t *testing.T, root, key string) *backend.ConfigStore {
	t.Helper()
	return openConfigsWith(t, configSpec("bindings.localstorage", fields{"rootPath": root}), key, silent(t))
}

// contrib's error for a missing file wraps nothing, so only its text distinguishes it from a
// failure. This test fails if a release changes the text.
func TestContribStillSaysThatAFileIsMissing(t *testing.T) {
	store := localstorage.NewLocalStorage(silent(t).Logger)
	require.NoError(t, store.Init(within(t), bindings.Metadata{
		Base: metadata.Base{Properties: fields{"rootPath": t.TempDir()}},
	}))
	_, err := store.Invoke(within(t), &bindings.InvokeRequest{
		Operation: bindings.GetOperation, Metadata: fields{"fileName": "missing"},
	})
	require.ErrorContains(t, err, "file not found: ")
	require.Regexp(t, "^file not found: /", err.Error())
	require.NotErrorIs(t, err, os.ErrNotExist, "the error now wraps os.ErrNotExist: match that instead of the text")
}

func TestFolderOfFilesKeepsAConfigAFile(t *testing.T) {
	root := t.TempDir()
	store := openFolder(t, root, "apps/{guid}/config.json")
	require.NoError(t, store.Put(within(t), guid, []byte(`{"a":1}`)))
	text, err := os.ReadFile(filepath.Join(root, "apps", guid, "config.json"))
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(text))
}

func TestFileThatSomebodyElsePutThereIsAConfig(t *testing.T) {
	root := t.TempDir()
	store := openFolder(t, root, "{guid}.json")
	writeFile(t, filepath.Join(root, guid+".json"), "{ \"a\": 1 }\n")
	got, err := store.Config(within(t), guid)
	require.NoError(t, err)
	require.Equal(t, "{ \"a\": 1 }\n", string(got))
}

func TestFolderThatIsMissingIsMade(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b")
	store := openFolder(t, root, "{guid}")
	_, err := store.Config(within(t), guid)
	requireKind(t, credential.NotFound, err)
	require.DirExists(t, root)
}

func TestObstructedConfigIsAFailureAndNotMissing(t *testing.T) {
	tests := map[string]func(t *testing.T, root string){
		"a folder at the file's path": func(t *testing.T, root string) {
			require.NoError(t, os.MkdirAll(filepath.Join(root, "apps", guid), 0o700))
		},
		"a file at the folder's path": func(t *testing.T, root string) {
			writeFile(t, filepath.Join(root, "apps"), "")
		},
		"the root is gone, as a volume that is not mounted": func(t *testing.T, root string) {
			require.NoError(t, os.Remove(root))
		},
	}
	for name, put := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			store := openFolder(t, root, "apps/{guid}")
			put(t, root)
			_, err := store.Config(within(t), guid)
			requireKind(t, credential.Unavailable, err)
		})
	}
}

func TestConfigCannotBeWrittenOverAFolder(t *testing.T) {
	root := t.TempDir()
	store := openFolder(t, root, "{guid}")
	require.NoError(t, os.Mkdir(filepath.Join(root, guid), 0o700))
	requireKind(t, credential.Unavailable, store.Put(within(t), guid, []byte("{}")))
}

func TestKeyCannotLeaveTheFolder(t *testing.T) {
	parent := t.TempDir()
	root := filepath.Join(parent, "root")
	writeFile(t, filepath.Join(parent, guid), `{"canary":true}`)
	for _, key := range []string{"../{guid}", "/../{guid}", "a/../../{guid}"} {
		_, err := openFolder(t, root, key).Config(within(t), guid)
		requireKind(t, credential.NotFound, err)
	}
	link := filepath.Join(root, "link")
	require.NoError(t, os.Symlink(parent, link))
	_, err := openFolder(t, root, "link/{guid}").Config(within(t), guid)
	requireKind(t, credential.NotFound, err)
}

func TestFileThatBlocksItsReaderTimesOut(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), guid)
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	t.Cleanup(func() { // the abandoned reader ends here
		f, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	})
	opts := silent(t)
	opts.Limits.Timeout = tick
	store := openConfigsWith(t, configSpec("bindings.localstorage",
		fields{"rootPath": filepath.Dir(fifo)}), "{guid}", opts)
	_, err := store.Config(within(t), guid)
	requireKind(t, credential.Timeout, err)

	require.Eventually(t, func() bool { // on a busy machine, a call may be out of time too
		_, err := store.Config(within(t), "another")
		return credential.KindOf(err) == credential.NotFound
	}, long, tick, "another file must be read")
}

func TestFolderOfFilesRefusesPermanentMistakes(t *testing.T) {
	file := tempFile(t, "a-file", "")
	tests := map[string]struct {
		fields fields
		want   string
	}{
		"no folder":                     {nil, "configStore.rootPath is missing: name the folder"},
		"an empty folder":               {fields{"rootPath": ""}, "configStore.rootPath is missing"},
		"a file":                        {fields{"rootPath": file}, "a file and not a directory"},
		"a folder that contrib forbids": {fields{"rootPath": "/proc/self"}, "disallowed location"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, refusedConfigs(t, "bindings.localstorage", test.fields), test.want)
		})
	}
}
