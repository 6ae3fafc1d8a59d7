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

func TestFoldersAreMadeWithTheirModeLessTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	for _, test := range []struct {
		umask      int
		perm, want fs.FileMode
	}{{0o022, 0o755, 0o755}, {0o002, 0o755, 0o755}, {0, 0o700, 0o700}, {0o077, 0o755, 0o700}} {
		syscall.Umask(0o022)
		top := ownedtest.Folder(t, 0o755)
		syscall.Umask(test.umask)
		path := filepath.Join(top, "a", "b")
		d := open(t, path, owned.Options{Perm: test.perm})
		assert.Equal(t, path, d.Path())
		for _, made := range []string{path, filepath.Dir(path)} {
			info, err := os.Lstat(made)
			require.NoError(t, err)
			assert.Equal(t, fs.ModeDir|test.want, info.Mode(), made)
		}
	}
}

func TestMissingFolderIsMadeOnlyWhereThatIsAskedFor(t *testing.T) {
	path := filepath.Join(ownedtest.Folder(t, 0o755), "mistyped")
	_, err := owned.Open(path, owned.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoDirExists(t, path)
}

func TestRelativePathIsFromTheWorkingFolder(t *testing.T) {
	top := ownedtest.Folder(t, 0o755)
	mkdir(t, 0o700, top, "a")
	mkdir(t, 0o700, top, "b")
	t.Chdir(filepath.Join(top, "a"))
	for path, want := range map[string]string{
		".": "a", "./": "a", "new": "a/new", "../b": "b", "../b/./": "b", "../a/../b": "b", "new/../..": "",
	} {
		t.Run(path, func(t *testing.T) {
			assert.Equal(t, filepath.Join(top, want), open(t, path, owned.Options{Perm: 0o700}).Path())
		})
	}
	_, err := owned.Open("", owned.Options{})
	require.ErrorContains(t, err, "empty")
}

func TestFolderIsRefused(t *testing.T) {
	tests := map[string]func(t *testing.T, top string) (path, says string){
		"another user's": func(t *testing.T, top string) (string, string) {
			path := mkdir(t, 0o755, top, "f")
			return path, ownedtest.GiveAway(t, path)
		},
		"below another user's": func(t *testing.T, top string) (string, string) {
			says := ownedtest.GiveAway(t, mkdir(t, 0o755, top, "f"))
			return mkdir(t, 0o755, top, "f", "g"), says
		},
		"missing below another user's": func(t *testing.T, top string) (string, string) {
			path := mkdir(t, 0o755, top, "f")
			return filepath.Join(path, "new"), ownedtest.GiveAway(t, path)
		},
		"its group may write to it": func(t *testing.T, top string) (string, string) {
			path := mkdir(t, 0o775, top, "f")
			return path, `mode 0775) can be written to by users other than its owner: run "chmod go-w ` + path + `"`
		},
		"others may write above it": func(t *testing.T, top string) (string, string) {
			path := mkdir(t, 0o777, top, "f")
			return mkdir(t, 0o755, path, "g"), `run "chmod go-w ` + path + `"`
		},
		"sticky itself": func(t *testing.T, top string) (string, string) {
			path := mkdir(t, fs.ModeSticky|0o777, top, "f")
			return path, path + " (owner uid "
		},
		"a symbolic link": func(t *testing.T, top string) (string, string) {
			path := filepath.Join(top, "link")
			require.NoError(t, os.Symlink(mkdir(t, 0o755, top, "f"), path))
			return path + "/", path + " (owner uid "
		},
		"a dangling link": func(t *testing.T, top string) (string, string) {
			path := filepath.Join(top, "link")
			require.NoError(t, os.Symlink(filepath.Join(top, "nowhere"), path))
			return path, "is a symbolic link"
		},
		"a file": func(t *testing.T, top string) (string, string) {
			path := filepath.Join(top, "f")
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			return path, path + " (owner uid "
		},
		"through another user's link above it": func(t *testing.T, top string) (string, string) {
			mkdir(t, 0o755, mkdir(t, 0o755, top, "f"), "g")
			link := filepath.Join(mkdir(t, fs.ModeSticky|0o777, top, "tmp"), "link")
			require.NoError(t, os.Symlink(filepath.Join(top, "f"), link))
			if os.Geteuid() != 0 { // only root can create a link of another user
				link = filepath.Join(mkdir(t, 0o777, top, "open"), "link")
				require.NoError(t, os.Symlink(filepath.Join(top, "f"), link))
			}
			return filepath.Join(link, "g"), ownedtest.GiveAway(t, link)
		},
		"through a link in a folder that others may write to": func(t *testing.T, top string) (string, string) {
			mkdir(t, 0o755, mkdir(t, 0o755, top, "f"), "g")
			holds := mkdir(t, 0o777, top, "open")
			link := filepath.Join(holds, "link")
			require.NoError(t, os.Symlink("../f", link))
			return filepath.Join(link, "g"), `run "chmod go-w ` + holds + `"`
		},
		"through a link into a folder that others may write to": func(t *testing.T, top string) (string, string) {
			through := mkdir(t, 0o777, top, "open")
			mkdir(t, 0o755, mkdir(t, 0o755, through, "f"), "g")
			link := filepath.Join(top, "link")
			require.NoError(t, os.Symlink(filepath.Join(through, "f"), link))
			return filepath.Join(link, "g"), `run "chmod go-w ` + through + `"`
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			path, says := make(t, ownedtest.Folder(t, 0o755))
			_, err := owned.Open(path, owned.Options{Perm: 0o700})
			requireRefused(t, err, says)
		})
	}
}

func TestLinksAboveAreFollowed(t *testing.T) {
	top := ownedtest.Folder(t, 0o755)
	real := mkdir(t, 0o755, top, "real")
	mkdir(t, 0o755, real, "sub")
	for name, target := range map[string]string{"absolute": real, "relative": "real", "back": "../" + filepath.Base(top) + "/real"} {
		require.NoError(t, os.Symlink(target, filepath.Join(top, name)))
		assert.Equal(t, filepath.Join(real, "new"), open(t, filepath.Join(top, name, "new"), owned.Options{Perm: 0o755}).Path(), name)
		assert.Equal(t, real, open(t, filepath.Join(top, name, "sub")+"/..", owned.Options{}).Path(), name)
	}
	require.NoError(t, os.Symlink("loop", filepath.Join(top, "loop")))
	_, err := owned.Open(filepath.Join(top, "loop", "f"), owned.Options{})
	require.ErrorIs(t, err, syscall.ELOOP)
}

func TestSharedFolderIsAcceptedWhereThatIsAskedFor(t *testing.T) {
	path := mkdir(t, 0o777, ownedtest.Folder(t, 0o755), "f")
	_, err := owned.Open(path, owned.Options{})
	var refusal *owned.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.True(t, refusal.Shared)
	open(t, path, owned.Options{Shared: true})

	below := mkdir(t, 0o755, path, "g")
	_, err = owned.Open(below, owned.Options{Shared: true})
	require.ErrorAs(t, err, &refusal)
	assert.False(t, refusal.Shared, "the shared folder is the parent")

	if os.Geteuid() == 0 { // only root can create a folder of another user
		path = mkdir(t, 0o755, ownedtest.Folder(t, 0o755), "h")
		says := ownedtest.GiveAway(t, path)
		_, err = owned.Open(path, owned.Options{Shared: true})
		requireRefused(t, err, says)
	}
}

func TestPrivateFolderIsOfItsUserAlone(t *testing.T) {
	d := open(t, mkdir(t, 0o777, ownedtest.Folder(t, 0o755), "shared"), owned.Options{Shared: true})
	mode := func() fs.FileMode {
		info, err := os.Lstat(filepath.Join(d.Path(), "p"))
		require.NoError(t, err)
		return info.Mode()
	}
	private := func() error {
		p, err := d.Private("p")
		if err == nil {
			err = p.Close()
		}
		return err
	}
	require.NoError(t, private())
	assert.Equal(t, fs.ModeDir|0o700, mode())
	require.NoError(t, os.Chmod(filepath.Join(d.Path(), "p"), 0o777))
	require.NoError(t, private())
	assert.Equal(t, fs.ModeDir|0o700, mode(), "the rights of others must be removed")

	require.NoError(t, os.Remove(filepath.Join(d.Path(), "p")))
	elsewhere := mkdir(t, 0o755, d.Path(), "elsewhere")
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(d.Path(), "p")))
	requireRefused(t, private(), "is a symbolic link")
	info, err := os.Lstat(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, fs.ModeDir|0o755, info.Mode())

	require.NoError(t, os.Remove(filepath.Join(d.Path(), "p")))
	require.NoError(t, os.WriteFile(filepath.Join(d.Path(), "p"), nil, 0o600))
	requireRefused(t, private(), "is not a folder")
	if os.Geteuid() == 0 {
		path := filepath.Join(d.Path(), "p")
		require.NoError(t, os.Remove(path))
		ownedtest.GiveAway(t, mkdir(t, 0o777, path))
		requireRefused(t, private(), "does not belong to this process's user (uid 0)")
	}
}

// TestFolderStaysTheOneThatWasChecked replaces the folder at the path after it was opened.
func TestFolderStaysTheOneThatWasChecked(t *testing.T) {
	top := ownedtest.Folder(t, 0o755)
	path := mkdir(t, 0o755, top, "f")
	d := open(t, path, owned.Options{})
	require.NoError(t, os.WriteFile(filepath.Join(path, "from"), nil, 0o600))
	to, err := d.Private("to")
	require.NoError(t, err)
	defer func() { require.NoError(t, to.Close()) }()
	require.NoError(t, os.Rename(path, filepath.Join(top, "moved")))
	victim := mkdir(t, 0o755, top, "victim")
	require.NoError(t, os.Symlink(victim, path))

	f, err := d.OpenFile("made", os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, d.Move("from", to, "moved"))

	entries, err := os.ReadDir(victim)
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.FileExists(t, filepath.Join(top, "moved", "made"))
	assert.FileExists(t, filepath.Join(top, "moved", "to", "moved"))
	require.ErrorContains(t, d.InPlace(), "replaced")
	require.ErrorIs(t, d.Move("none", to, "x"), fs.ErrNotExist)
}
