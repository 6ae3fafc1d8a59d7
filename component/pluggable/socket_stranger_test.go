package pluggable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/owned/ownedtest"
)

// planted lists what another user may put into a socket folder that he owns, each to gain
// something. Each function returns a check for what he has gained.
var planted = map[string]func(t *testing.T, folder string) (gained func() bool){
	"nothing": func(*testing.T, string) func() bool { return func() bool { return false } },
	"a link at the path of the lock": func(t *testing.T, folder string) func() bool {
		victim := filepath.Join(ownedtest.Folder(t, 0o700), "made")
		private := filepath.Join(folder, "."+componentName)
		require.NoError(t, os.Mkdir(private, 0o700))
		require.NoError(t, os.Symlink(victim, filepath.Join(private, "lock")))
		ownedtest.GiveAway(t, private)
		return func() bool { return exists(victim) }
	},
	"a link at the path of the lock's folder": func(t *testing.T, folder string) func() bool {
		victim := ownedtest.Folder(t, 0o700)
		require.NoError(t, os.Symlink(victim, filepath.Join(folder, "."+componentName)))
		return func() bool { return exists(filepath.Join(victim, "lock")) }
	},
	"a held lock": func(t *testing.T, folder string) func() bool {
		private := filepath.Join(folder, "."+componentName)
		require.NoError(t, os.Mkdir(private, 0o700))
		held, err := os.OpenFile(filepath.Join(private, "lock"), os.O_RDWR|os.O_CREATE, 0o666)
		require.NoError(t, err)
		t.Cleanup(func() { _ = held.Close() })
		require.NoError(t, unix.Flock(int(held.Fd()), unix.LOCK_EX))
		ownedtest.GiveAway(t, private)
		return func() bool { return false }
	},
	"a live socket": func(t *testing.T, folder string) func() bool {
		l := listen(t, filepath.Join(folder, componentName+".sock"))
		l.SetUnlinkOnClose(false)
		return func() bool { return false }
	},
}

func TestAStrangersSocketFolderIsRefused(t *testing.T) {
	for name, plant := range planted {
		t.Run(name, func(t *testing.T) {
			folder := ownedtest.Folder(t, 0o755)
			gained := plant(t, folder)
			says := ownedtest.GiveAway(t, folder)
			s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = folder })
			s.start()
			defer s.Cancel()

			err := s.wait()

			require.ErrorContains(t, err, "the socket's folder is not safe: ")
			require.ErrorContains(t, err, says)
			if os.Geteuid() == 0 {
				require.ErrorContains(t, err, "to use another folder, set DAPR_COMPONENTS_SOCKETS_FOLDER")
			}
			assert.False(t, gained())
		})
	}
}

func TestASocketFolderThatOthersMayWriteToIsAcceptedByOptionAlone(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o775, os.ModeSticky | 0o777, os.ModeSetgid | 0o770} {
		folder := ownedtest.Folder(t, mode)
		s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder = folder })
		s.start()
		require.ErrorContains(t, s.wait(), "--shared-socket-folder", mode)
		assert.False(t, exists(s.socket))

		shared := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder, o.SharedSocketFolder = folder, true })
		assertEchoes(t, initialise(t, shared, "c", nil))
		info, err := os.Lstat(filepath.Join(folder, "."+componentName))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		info, err = os.Lstat(shared.socket)
		require.NoError(t, err)
		assert.Equal(t, os.ModeSocket|0o660, info.Mode())
		shared.stop()
	}
}

// In a shared folder, another user may have put something at our paths.
func TestPlantedFilesInASharedFolderAreRefused(t *testing.T) {
	for name, says := range map[string]string{
		"a link at the path of the lock's folder": "is a symbolic link",
		"a link at the path of the lock":          "is a symbolic link",
		"a live socket":                           "another process already serves",
	} {
		t.Run(name, func(t *testing.T) {
			folder := ownedtest.Folder(t, 0o777)
			gained := planted[name](t, folder)
			if os.Geteuid() == 0 && name == "a link at the path of the lock" {
				says = "does not belong to this process's user"
			}
			s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.SocketFolder, o.SharedSocketFolder = folder, true })
			s.start()
			require.ErrorContains(t, s.wait(), says)
			assert.False(t, gained())
		})
	}
}

func TestASocketThatIsReplacedEndsTheServer(t *testing.T) {
	tests := map[string]struct {
		replace func(t *testing.T, socket string)
		says    string
	}{
		"by another socket": {func(t *testing.T, socket string) {
			require.NoError(t, os.Rename(socket, socket+".away"))
			listen(t, socket)
		}, "was replaced while it was served"},
		"by another socket in one rename": {func(t *testing.T, socket string) {
			listen(t, socket+".new").SetUnlinkOnClose(false)
			require.NoError(t, os.Rename(socket+".new", socket))
		}, "was replaced while it was served"},
		"by a link to it": {func(t *testing.T, socket string) {
			require.NoError(t, os.Rename(socket, socket+".away"))
			require.NoError(t, os.Symlink(socket+".away", socket))
		}, "was replaced while it was served"},
		"with its folder": {func(t *testing.T, socket string) {
			folder := filepath.Dir(socket)
			require.NoError(t, os.Rename(folder, folder+".away"))
			t.Cleanup(func() { _ = os.RemoveAll(folder + ".away") })
			require.NoError(t, os.Mkdir(folder, 0o755))
			listen(t, socket)
		}, "was replaced while it was served"},
		"by nothing": {func(t *testing.T, socket string) {
			require.NoError(t, os.Remove(socket))
		}, "was removed while it was served"},
		"by nothing, with its folder": {func(t *testing.T, socket string) {
			require.NoError(t, os.RemoveAll(filepath.Dir(socket)))
		}, "was removed while it was served"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := &echoes{}
			s := serve(t, stores, nil)
			initialise(t, s, "c", nil)
			test.replace(t, s.socket)
			replaced, _ := os.Lstat(s.socket)

			err := s.wait()

			require.ErrorContains(t, err, s.socket+" "+test.says)
			require.ErrorContains(t, err, "start this process again")
			assert.Contains(t, s.log.String(), "level=error")
			assert.Contains(t, s.log.String(), test.says)
			assert.Zero(t, stores.open())
			now, _ := os.Lstat(s.socket)
			assert.Equal(t, replaced, now, "the replacement must not be removed")
		})
	}
}
