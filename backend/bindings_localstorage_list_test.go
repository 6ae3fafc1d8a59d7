package backend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// mkdir creates a folder and its parents.
func mkdir(t *testing.T, path ...string) string {
	t.Helper()
	folder := filepath.Join(path...)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	return folder
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, path))
}

func TestFolderListHasOnlyConfigFiles(t *testing.T) {
	tests := map[string]struct {
		key  string
		make func(t *testing.T, root string)
		want []string
	}{
		"not folders": {"{guid}", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(root, "a"), "{}")
			mkdir(t, root, "b")
		}, []string{"a"}},
		"not files in folders below": {"{guid}", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(mkdir(t, root, "b"), "a"), "{}")
		}, nil},
		"not folders without a config": {"{guid}/config.json", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(mkdir(t, root, "a"), "config.json"), "{}")
			writeFile(t, filepath.Join(mkdir(t, root, "b"), "config.yaml"), "{}")
			mkdir(t, root, "c", "config.json")
			writeFile(t, filepath.Join(root, "d"), "{}")
		}, []string{"a"}},
		"not a folder with another GUID's file": {"{guid}/{guid}.json", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(mkdir(t, root, "a"), "b.json"), "{}")
			writeFile(t, filepath.Join(root, "a", "a.json"), "{}")
		}, []string{"a"}},
		"links, as in a volume of Kubernetes": {"{guid}", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(mkdir(t, root, "..2026_01_01"), "a"), "{}")
			symlink(t, "..2026_01_01", filepath.Join(root, "..data"))
			symlink(t, "..data/a", filepath.Join(root, "a"))
			symlink(t, "..data/gone", filepath.Join(root, "b"))
			symlink(t, "..data", filepath.Join(root, "c"))
		}, []string{"a"}},
		"links to folders": {"{guid}/config.json", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(mkdir(t, root, "..data", "a"), "config.json"), "{}")
			symlink(t, "..data/a", filepath.Join(root, "a"))
		}, []string{"a"}},
		"nothing if the template's folder does not exist yet": {"apps/x/{guid}", func(*testing.T, string) {}, nil},
		"not what is above the root": {"../{guid}", func(t *testing.T, root string) {
			writeFile(t, filepath.Join(root, "a"), "{}")
			writeFile(t, filepath.Join(filepath.Dir(root), "above"), "{}")
		}, []string{"a"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := mkdir(t, t.TempDir(), "root")
			test.make(t, root)
			configs := openFolder(t, root, test.key)
			got, err := configs.List(within(t))
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, got)
			for _, g := range got {
				_, err := configs.Config(within(t), g)
				require.NoError(t, err)
			}
		})
	}
}

func TestFolderIsFoundThroughALinkAndFromTheProcess(t *testing.T) {
	parent := t.TempDir()
	writeFile(t, filepath.Join(mkdir(t, parent, "root"), "a"), "{}")
	symlink(t, "root", filepath.Join(parent, "link"))
	t.Chdir(parent)
	for _, root := range []string{"root", "./link", filepath.Join(parent, "link")} {
		got, err := openFolder(t, root, "{guid}").List(within(t))
		require.NoError(t, err)
		require.Equal(t, []string{"a"}, got)
	}
}

func TestFolderThatCannotBeListedIsAFailureAndNotEmpty(t *testing.T) {
	tests := map[string]func(t *testing.T, root string){
		"a file at the folder's path": func(t *testing.T, root string) {
			writeFile(t, filepath.Join(root, "apps"), "")
		},
		"the root is gone, as a volume that is not mounted": func(t *testing.T, root string) {
			require.NoError(t, os.Remove(root))
		},
		"a file at the root's path": func(t *testing.T, root string) {
			require.NoError(t, os.Remove(root))
			writeFile(t, root, "")
		},
	}
	for name, put := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			configs := openFolder(t, root, "apps/{guid}")
			put(t, root)
			_, err := configs.List(within(t))
			requireKind(t, credential.Unavailable, err)
			requireKind(t, credential.Unavailable, configs.Delete(within(t), guid))
		})
	}
}

func TestTemplateWithoutAGUIDCannotBeListed(t *testing.T) {
	_, err := openFolder(t, t.TempDir(), "{guid}/../config.json").List(within(t))
	requireKind(t, credential.FailedPrecondition, err)
	require.ErrorIs(t, err, store.ErrCannotList)
}

func TestDeletingAConfigDeletesNoFolder(t *testing.T) {
	root := t.TempDir()
	configs := openFolder(t, root, "{guid}")
	empty := mkdir(t, root, guid)
	requireKind(t, credential.Unavailable, configs.Delete(within(t), guid))
	require.DirExists(t, empty)

	parent := openFolder(t, root, "apps/{guid}/config.json")
	require.NoError(t, parent.Put(within(t), guid, []byte("{}")))
	require.NoError(t, parent.Delete(within(t), guid))
	require.DirExists(t, filepath.Join(root, "apps", guid))
}
