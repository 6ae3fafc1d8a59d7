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

// umask reads what cannot be read by umask(2) without being changed.
func umask(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "Umask:")
	require.True(t, found)
	mask, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(mask)
}

// TestASwappedFolderChangesNoModeElsewhere races a stranger who puts a link to
// another folder in the place of ours and takes it away, all the time, against
// starts in a folder that he may write to: no file there gets the socket's mode, and
// none is made.
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
		stop() // it ends as soon as it has begun
		_ = s.Run(start)
	}
	cancel()
	<-swapped

	for _, victim := range victims {
		info, err := os.Lstat(victim)
		require.NoError(t, err, "it is not removed, nor moved")
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
	entries, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	assert.Len(t, entries, len(victims))
}
