package pluggable

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"credential-resolver/internal/owned"
)

// SocketFolder returns the folder where daprd looks for pluggable components. daprd reads
// the first variable. The Kubernetes injector sets the second one in the component.
func SocketFolder() string {
	return cmp.Or(
		os.Getenv("DAPR_COMPONENTS_SOCKETS_FOLDER"),
		os.Getenv("DAPR_COMPONENT_SOCKETS_FOLDER"),
		"/tmp/dapr-components-sockets",
	)
}

// socketPath returns the path where daprd finds the socket of a server.
func socketPath(o Options) string { return filepath.Join(o.SocketFolder, o.Name+".sock") }

// dialTimeout bounds the check whether a socket has a live server.
const dialTimeout = 2 * time.Second

// socket is a bound socket that daprd cannot see until it is published. daprd dials every
// socket in the folder, and waits forever for one that does not answer.
//
// The socket is bound in a subfolder that only this process's user can access. daprd skips
// subfolders. A lock next to the socket says that a process of this name is alive. Later the
// socket is renamed into place. All of this uses the folders' descriptors, which nobody can
// redirect.
type socket struct {
	listener *net.UnixListener
	path     string     // the path where daprd finds the socket
	name     string     // the file name of the socket, in both folders
	folder   *owned.Dir // the folder where daprd looks
	private  *owned.Dir // the subfolder where the socket is bound
	lock     *os.File
	own      os.FileInfo // the socket's own file, once published
}

// bind takes the lock for the name of a server, and binds the server's socket where daprd
// does not see it.
func bind(o Options) (*socket, error) {
	s := &socket{path: socketPath(o), name: o.Name + ".sock"}
	if len(s.path) > maxSocketPath {
		return nil, fmt.Errorf("the socket's path %s is longer than the %d bytes that the system allows: "+
			"set DAPR_COMPONENTS_SOCKETS_FOLDER to a shorter folder, for this process and for daprd", s.path, maxSocketPath)
	}
	for _, step := range []func() error{
		func() error { return s.openFolders(o) },
		s.takeLock,
		s.listen,
		func() error { return s.setMode(o.SocketMode) },
	} {
		if err := step(); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// maxSocketPath is the longest path, in bytes, that fits into sun_path (unix(7)) with its
// final zero byte.
const maxSocketPath = 107

// openFolders opens the folder where daprd looks, and the subfolder for the lock and the
// hidden socket.
func (s *socket) openFolders(o Options) (err error) {
	s.folder, err = owned.Open(o.SocketFolder, owned.Options{Perm: 0o755, Shared: o.SharedSocketFolder})
	if err == nil {
		s.private, err = s.folder.Private("." + o.Name)
	}
	var refusal *owned.Refusal
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refusal):
		return fmt.Errorf("opening the socket's folder: %w", err)
	case refusal.Shared:
		return fmt.Errorf("the socket's folder is not safe: %w; if every process that can write to it is trusted, as in a pod, "+
			"set --shared-socket-folder", err)
	default:
		return fmt.Errorf("the socket's folder is not safe: %w; to use another folder, set DAPR_COMPONENTS_SOCKETS_FOLDER for this process and for daprd", err)
	}
}

// takeLock takes the lock. It fails if another process of this name is alive. The kernel
// releases the lock of a process that has ended.
func (s *socket) takeLock() error {
	f, err := s.private.OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the socket's lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return s.inUse()
		}
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	s.lock = f
	return nil
}

func (s *socket) inUse() error {
	return fmt.Errorf("another process already serves %s: stop it, "+
		"or set DAPR_COMPONENTS_SOCKETS_FOLDER to another folder, for this process and for its daprd", s.path)
}

func (s *socket) listen() error {
	if err := s.checkPath(); err != nil {
		return err
	}
	if err := s.private.Remove(s.name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a leftover socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.private.ByDescriptor(s.name), Net: "unix"})
	if err != nil {
		return fmt.Errorf("binding the socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // the socket will have moved
	s.listener = l
	return nil
}

// setMode sets the permission bits of the socket.
func (s *socket) setMode(mode fs.FileMode) error {
	if err := s.private.Chmod(s.name, mode); err != nil {
		return fmt.Errorf("setting the socket's mode: %w", err)
	}
	return nil
}

// checkPath returns an error unless the socket's path is free, or has a socket that nobody
// serves.
func (s *socket) checkPath() error {
	info, err := s.folder.Lstat(s.name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket: remove it", s.path)
	}
	c, err := net.DialTimeout("unix", s.folder.ByDescriptor(s.name), dialTimeout)
	switch {
	case err == nil:
		_ = c.Close()
		return s.inUse()
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("checking whether %s is served: %w", s.path, err)
	}
}

// publish makes the socket visible to daprd. It replaces a dead socket.
func (s *socket) publish() error {
	own, err := s.private.Lstat(s.name)
	if err == nil {
		err = s.private.Move(s.name, s.folder, s.name)
	}
	if err != nil {
		return fmt.Errorf("making the socket visible: %w", err)
	}
	s.own = own
	return nil
}

// publishedCheck is how often the published socket is checked.
const publishedCheck = time.Second

// watch checks the published socket until stop is called. stop waits for the last check. The
// channel receives one error when daprd no longer finds the socket, because somebody has
// removed it, or replaced it or its folder. A daprd that starts or connects again would then
// reach nobody, or send its secrets to somebody else.
func (s *socket) watch() (unpublished <-chan error, stop func()) {
	told, stopped, ended := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(publishedCheck)
		defer ticker.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-ticker.C:
			}
			if err := s.check(); err != nil {
				told <- err
				return
			}
		}
	}()
	return told, func() {
		close(stopped)
		<-ended
	}
}

// check returns an error if daprd would not find the published socket. It uses the path, as
// daprd does.
func (s *socket) check() error {
	now, err := os.Lstat(s.path)
	if err == nil && os.SameFile(s.own, now) {
		return nil
	}
	happened := "was replaced while it was served, so daprd sends its secrets to another process"
	switch {
	case errors.Is(err, os.ErrNotExist):
		happened = "was removed while it was served"
	case err != nil:
		happened = "can no longer be reached"
	}
	return fmt.Errorf("%s %s: find out what else writes to %s, and start this process again", s.path, happened, filepath.Dir(s.path))
}

// remove removes the published socket, unless somebody has replaced it.
func (s *socket) remove() {
	if s.own == nil {
		return
	}
	if now, err := s.folder.Lstat(s.name); err == nil && os.SameFile(s.own, now) {
		_ = s.folder.Remove(s.name)
	}
	s.own = nil
}

// close removes the socket and releases the lock and the folders. The lock's file stays,
// because without it two processes could each hold a lock.
func (s *socket) close() {
	s.remove()
	if s.listener != nil {
		_ = s.listener.Close()
		_ = s.private.Remove(s.name)
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
	for _, d := range []*owned.Dir{s.private, s.folder} {
		if d != nil {
			_ = d.Close()
		}
	}
}
