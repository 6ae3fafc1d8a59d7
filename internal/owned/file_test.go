package owned_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/owned"
	"credential-resolver/internal/owned/ownedtest"
)

func TestFileIsMadeForItsUserAlone(t *testing.T) {
	d := open(t, ownedtest.Folder(t, 0o755), owned.Options{})
	f, err := d.OpenFile("a", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	file, err := d.File("b", 0o600)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(d.Path(), "b"), file.Path())
	for _, name := range []string{"a", "b"} {
		info, err := d.Lstat(name)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode())
	}
	_, err = d.OpenFile("a", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = d.OpenFile("missing", os.O_RDONLY, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, d.CheckFile("missing"))
}

func TestFileThatIsThereIsKeptAsItIs(t *testing.T) {
	d := open(t, ownedtest.Folder(t, 0o755), owned.Options{})
	require.NoError(t, os.WriteFile(filepath.Join(d.Path(), "f"), []byte("one"), 0o644))
	f, err := d.OpenFile("f", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(", two")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = d.File("f", 0o600)
	require.NoError(t, err)

	text, err := os.ReadFile(filepath.Join(d.Path(), "f"))
	require.NoError(t, err)
	assert.Equal(t, "one, two", string(text))
	info, err := d.Lstat("f")
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o644), info.Mode(), "the mode must stay unchanged")
}

func TestFileIsRefused(t *testing.T) {
	tests := map[string]func(t *testing.T, path string) (says string){
		"another user's": func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			return ownedtest.GiveAway(t, path)
		},
		"its group may write to it": func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.Chmod(path, 0o660))
			return `run "chmod go-w ` + path + `"`
		},
		"a symbolic link": func(t *testing.T, path string) string {
			target := filepath.Join(filepath.Dir(path), "target")
			require.NoError(t, os.WriteFile(target, nil, 0o600))
			require.NoError(t, os.Symlink("target", path))
			return "is a symbolic link, which is not followed"
		},
		"a dangling link": func(t *testing.T, path string) string {
			require.NoError(t, os.Symlink("target", path))
			return "is a symbolic link, which is not followed"
		},
		"a folder": func(t *testing.T, path string) string {
			mkdir(t, 0o700, path)
			return "is not a regular file"
		},
		"a pipe": func(t *testing.T, path string) string {
			require.NoError(t, syscall.Mkfifo(path, 0o600))
			return "is not a regular file"
		},
	}
	for name, put := range tests {
		t.Run(name, func(t *testing.T) {
			d := open(t, ownedtest.Folder(t, 0o755), owned.Options{})
			says := put(t, filepath.Join(d.Path(), "f"))
			before, err := os.ReadDir(d.Path())
			require.NoError(t, err)

			_, err = d.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
			requireRefused(t, err, says)
			_, err = d.OpenFile("f", os.O_RDONLY, 0)
			requireRefused(t, err, says)
			_, err = d.File("f", 0o600)
			requireRefused(t, err, says)
			requireRefused(t, d.CheckFile("f"), says)

			after, err := os.ReadDir(d.Path())
			require.NoError(t, err)
			assert.Len(t, after, len(before), "no file may be created at the target of a link")
		})
	}
}

func TestFileOfALibraryIsVerified(t *testing.T) {
	tests := map[string]struct {
		replace func(t *testing.T, path string)
		says    string
	}{
		"it is the same": {func(*testing.T, string) {}, ""},
		"another file": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+"2", nil, 0o600))
			require.NoError(t, os.Rename(path+"2", path))
		}, "was replaced"},
		"a link": {func(t *testing.T, path string) {
			require.NoError(t, os.Rename(path, path+"2"))
			require.NoError(t, os.Symlink(path+"2", path))
		}, "is a symbolic link"},
		"no file": {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, "no such file"},
		"another folder": {func(t *testing.T, path string) {
			f := filepath.Dir(path)
			require.NoError(t, os.Rename(f, f+"2"))
			mkdir(t, 0o700, f)
			require.NoError(t, os.Link(filepath.Join(f+"2", "f"), path))
		}, "was replaced"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := open(t, mkdir(t, 0o700, ownedtest.Folder(t, 0o755), "d"), owned.Options{})
			file, err := d.File("f", 0o600)
			require.NoError(t, err)
			test.replace(t, file.Path())
			if test.says == "" {
				require.NoError(t, file.Verify())
				return
			}
			require.ErrorContains(t, file.Verify(), test.says)
		})
	}
}

func TestPathByDescriptorLeadsIntoTheFolder(t *testing.T) {
	d := open(t, ownedtest.Folder(t, 0o755), owned.Options{})
	require.NoError(t, os.WriteFile(d.ByDescriptor("f"), []byte("x"), 0o600))
	assert.FileExists(t, filepath.Join(d.Path(), "f"))
}
