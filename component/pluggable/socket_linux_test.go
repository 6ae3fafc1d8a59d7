package pluggable_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/owned/ownedtest"
)

func TestTheSocketsModeIsChosenAndTheUmaskIsLeftAlone(t *testing.T) {
	cases := map[string]struct{ chosen, want fs.FileMode }{
		"owner and group by default": {0, 0o660},
		"a narrower one":             {0o600, 0o600},
		"one that no umask allows":   {0o666, 0o666},
	}
	before := umask(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketMode = tc.chosen })
			info, err := os.Lstat(s.socket)
			require.NoError(t, err)
			assert.Equal(t, fs.ModeSocket|tc.want, info.Mode())
			assert.Equal(t, before, umask(t))
			assertEchoes(t, initialise(t, s, "c", nil))
		})
	}
}

// umask reads the umask from /proc, because umask(2) can only read it by changing it.
func umask(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "Umask:")
	require.True(t, found)
	mask, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(mask)
}

// TestASwappedFolderChangesNoModeElsewhere starts servers in a folder that others may write to,
// while another goroutine keeps replacing our folder with a link to a different one. No file in
// that folder may get the socket's mode, and no file may appear there.
func TestASwappedFolderChangesNoModeElsewhere(t *testing.T) {
	folder, elsewhere := ownedtest.Folder(t, 0o777), ownedtest.Folder(t, 0o700)
	var victims []string
	for _, name := range []string{"s", componentName + ".sock"} {
		victims = append(victims, filepath.Join(elsewhere, name))
		require.NoError(t, os.WriteFile(victims[len(victims)-1], []byte("precious"), 0o600))
	}
	private := filepath.Join(folder, "."+componentName)
	require.NoError(t, os.Mkdir(private, 0o700))
	require.NoError(t, os.Symlink(elsewhere, private+".link"))
	ctx, cancel := context.WithCancel(t.Context())
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for ctx.Err() == nil {
			_ = unix.Renameat2(unix.AT_FDCWD, private, unix.AT_FDCWD, private+".link", unix.RENAME_EXCHANGE)
		}
	}()

	for range 200 {
		s := newServer(t, &echoes{}, func(o *pluggable.Options) {
			o.SocketFolder, o.SharedSocketFolder, o.SocketMode = folder, true, 0o666
		})
		start, stop := context.WithCancel(t.Context())
		stop() // stops as soon as it has started
		_ = s.Run(start)
	}
	cancel()
	<-swapped

	for _, victim := range victims {
		info, err := os.Lstat(victim)
		require.NoError(t, err, "it must be neither removed nor moved")
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
	entries, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	assert.Len(t, entries, len(victims))
}
