package pluggable_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
)

func TestTheSocketsFolderIsMade(t *testing.T) {
	folder := filepath.Join(pluggabletest.SocketFolder(t), "a", "b")
	s := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = folder })
	assertEchoes(t, initialise(t, s, "c", nil))
	info, err := os.Lstat(folder)
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|0o755, info.Mode(), "a daprd of another user finds the socket")
}

func TestTheSocketIsRemovedAtTheEnd(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	s.stop()
	assert.False(t, exists(s.socket))

	again := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = filepath.Dir(s.socket) })
	assertEchoes(t, initialise(t, again, "c", nil))
}

func TestADeadSocketIsReplaced(t *testing.T) {
	s := newServer(t, &echoes{}, nil)
	leaveDeadSocket(t, s.socket)
	// A process that was killed also leaves its folder, which may contain a socket.
	private := filepath.Join(filepath.Dir(s.socket), "."+componentName)
	require.NoError(t, os.Mkdir(private, 0o700))
	leaveDeadSocket(t, filepath.Join(private, componentName+".sock"))
	require.NoError(t, os.WriteFile(filepath.Join(private, "lock"), nil, 0o600))

	s.start()
	defer s.stop()

	assertServes(t, s)
}

func leaveDeadSocket(t *testing.T, path string) {
	t.Helper()
	l := listen(t, path)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	require.True(t, exists(path))
}

func listen(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// assertServes waits until the socket answers. A dead socket never does.
func assertServes(t *testing.T, s *running) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := net.Dial("unix", s.socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, patience, tick)
	assertEchoes(t, initialise(t, s, "c", nil))
}

func TestALiveServerIsNotReplaced(t *testing.T) {
	t.Run("one of ours", func(t *testing.T) {
		first := serve(t, &echoes{}, nil)
		second := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = filepath.Dir(first.socket) })
		second.start()
		err := second.wait()
		require.ErrorContains(t, err, "another process already serves "+first.socket)
		require.ErrorContains(t, err, "DAPR_COMPONENTS_SOCKETS_FOLDER")
		assertEchoes(t, initialise(t, first, "c", nil))
	})
	t.Run("somebody else's", func(t *testing.T) {
		s := newServer(t, &echoes{}, nil)
		l := listen(t, s.socket)
		s.start()
		require.ErrorContains(t, s.wait(), "another process already serves "+s.socket)
		asked, err := l.Accept()
		require.NoError(t, err, "the check for a live server must leave its socket alone")
		require.NoError(t, asked.Close())
	})
}

func TestOnlySocketsAreReplaced(t *testing.T) {
	cases := map[string]func(path string) error{
		"a file":   func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":   func(path string) error { return os.Symlink("/dev/null", path) },
	}
	for name, put := range cases {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, &echoes{}, nil)
			require.NoError(t, put(s.socket))
			before, err := os.Lstat(s.socket)
			require.NoError(t, err)

			s.start()

			require.ErrorContains(t, s.wait(), s.socket+" exists and is not a socket")
			after, err := os.Lstat(s.socket)
			require.NoError(t, err)
			assert.Equal(t, before, after)

			// Nothing may be left that would stop the next start.
			require.NoError(t, os.Remove(s.socket))
			s.start()
			assertServes(t, s)
			s.stop()
		})
	}
}

func TestTooLongSocketPathIsReported(t *testing.T) {
	top := pluggabletest.SocketFolder(t)
	for _, length := range []int{108, 300} {
		folder := filepath.Join(top, strings.Repeat("x", length-len(top)-len("//"+componentName+".sock")))
		s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = folder })
		require.Len(t, s.socket, length)
		s.start()
		err := s.wait()
		require.ErrorContains(t, err, "is longer than the 107 bytes")
		require.ErrorContains(t, err, "DAPR_COMPONENTS_SOCKETS_FOLDER")
		assert.False(t, exists(folder))
	}
}

func TestTheLongestPathThatTheSystemAllowsIsServed(t *testing.T) {
	folder := pluggabletest.SocketFolder(t)
	folder = filepath.Join(folder, strings.Repeat("x", 107-len(folder)-len("//"+componentName+".sock")))
	s := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = folder })
	require.Len(t, s.socket, 107)
	assertEchoes(t, initialise(t, s, "c", nil))
}

// TestAStartThatFailsAtItsSocketClosesItsStores has something appear at the socket's path while
// the instances are restored.
func TestAStartThatFailsAtItsSocketClosesItsStores(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()
	stores := &echoes{init: func(context.Context, secretstores.Metadata) error { return os.Mkdir(first.socket, 0o700) }}
	second := newServer(t, stores, func(o *pluggable.Options) { o.SocketFolder, o.StateFolder = m.sockets, m.state })
	second.start()

	require.ErrorContains(t, second.wait(), "making the socket visible")

	assert.Equal(t, 1, stores.inits())
	assert.Zero(t, stores.open())
}

func TestFolderThatCannotBeCreatedIsReported(t *testing.T) {
	file := filepath.Join(pluggabletest.SocketFolder(t), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = filepath.Join(file, "f") })
	s.start()
	require.ErrorContains(t, s.wait(), "opening the socket's folder")
}

func TestAnothersSocketIsNotRemovedAtTheEnd(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	require.NoError(t, os.Remove(s.socket))
	l := listen(t, s.socket)
	l.SetUnlinkOnClose(false)

	s.stop()

	assert.True(t, exists(s.socket))
}
