package pluggable

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	daprd "github.com/dapr/dapr/pkg/components/pluggable"

	"credential-resolver/internal/owned"
	"credential-resolver/internal/owned/ownedtest"
)

func hidden(folder string) Options {
	return Options{SocketFolder: folder, Name: "hidden", SocketMode: DefaultSocketMode}
}

func TestASocketIsInvisibleUntilItIsPublished(t *testing.T) {
	folder := ownedtest.Folder(t, 0o755)

	s, err := bind(hidden(folder))
	require.NoError(t, err)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.True(t, entries[0].IsDir(), "daprd skips folders, but waits for ever for a socket that does not answer")
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", folder)
	require.NoError(t, daprd.Discover(t.Context()))

	require.NoError(t, s.publish())
	info, err := os.Lstat(s.path)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSocket|DefaultSocketMode, info.Mode())

	s.close()
	require.ErrorIs(t, s.listener.SetDeadline(time.Time{}), net.ErrClosed)
	for _, folder := range []*owned.Dir{s.folder, s.private} {
		_, err = folder.Lstat(".")
		require.ErrorIs(t, err, os.ErrClosed)
	}
	_, err = os.Lstat(s.path)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = os.Lstat(filepath.Join(folder, ".hidden", "hidden.sock"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestASocketThatCannotBePublishedLeavesNothing(t *testing.T) {
	folder := ownedtest.Folder(t, 0o755)
	s, err := bind(hidden(folder))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(s.path, 0o700)) // created after bind looked at the path

	require.ErrorContains(t, s.publish(), "making the socket visible")
	s.close()

	_, err = os.Lstat(filepath.Join(folder, ".hidden", "hidden.sock"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.DirExists(t, s.path)
	require.NoError(t, os.Remove(s.path))
	again, err := bind(hidden(folder))
	require.NoError(t, err, "the lock must have been released")
	again.close()
}

// The lock shows that a server is alive. That must hold before the socket is published, and
// after somebody removes it.
func TestAServerWithoutASocketIsNotReplaced(t *testing.T) {
	folder := ownedtest.Folder(t, 0o755)
	first, err := bind(hidden(folder))
	require.NoError(t, err)
	second := func() error {
		ended := make(chan error, 1)
		go func() {
			_, err := bind(hidden(folder))
			ended <- err
		}()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("it waits")
		}
	}
	require.ErrorContains(t, second(), "another process already serves")

	require.NoError(t, first.publish())
	require.NoError(t, os.Remove(first.path))
	require.ErrorContains(t, second(), "another process already serves")
	require.NoFileExists(t, first.path)

	first.close()
	third, err := bind(hidden(folder))
	require.NoError(t, err)
	third.close()
}
