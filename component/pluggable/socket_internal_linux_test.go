package pluggable

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/owned/ownedtest"
)

// TestAFolderThatIsReplacedWhileTheSocketIsBound replaces our folder with a symbolic link at
// each step, as another user could. Nothing may happen to the link's target.
func TestAFolderThatIsReplacedWhileTheSocketIsBound(t *testing.T) {
	folder := ownedtest.Folder(t, 0o777)
	opts := hidden(folder)
	opts.SharedSocketFolder = true
	elsewhere := ownedtest.Folder(t, 0o700)
	victim := filepath.Join(elsewhere, "hidden.sock")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	private := filepath.Join(folder, ".hidden")
	replace := func() {
		require.NoError(t, os.Rename(private, private+".away"))
		require.NoError(t, os.Symlink(elsewhere, private))
	}
	back := func() {
		require.NoError(t, os.Remove(private))
		require.NoError(t, os.Rename(private+".away", private))
	}
	s := &socket{path: socketPath(opts), name: "hidden.sock"}
	defer s.close()
	for _, step := range []func() error{
		s.takeLock, s.listen, func() error { return s.setMode(0o666) }, s.publish,
	} {
		if s.folder == nil {
			require.NoError(t, s.openFolders(opts))
		}
		replace()
		require.NoError(t, step())
		back()
		entries, err := os.ReadDir(elsewhere)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		info, err := os.Lstat(victim)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
	info, err := os.Lstat(s.path)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSocket|0o666, info.Mode())
}
