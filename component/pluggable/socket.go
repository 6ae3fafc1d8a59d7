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
)

// SocketFolder returns where daprd looks for pluggable components. daprd reads
// the first variable; the Kubernetes injector sets the second in the component.
func SocketFolder() string {
	return cmp.Or(
		os.Getenv("DAPR_COMPONENTS_SOCKETS_FOLDER"),
		os.Getenv("DAPR_COMPONENT_SOCKETS_FOLDER"),
		"/tmp/dapr-components-sockets",
	)
}

// socketPath is where daprd finds the socket of a server.
func socketPath(o Options) string { return filepath.Join(o.SocketFolder, o.Name+".sock") }

// dialTimeout bounds the question whether a socket has a live server.
const dialTimeout = 2 * time.Second

// socket is a bound socket that daprd cannot see until it is published: daprd
// dials everything in the folder, and waits for ever on what does not answer.
//
// It is bound in a subdirectory, which daprd skips, next to a lock that says
// that a process of this name is alive, and then renamed into place.
type socket struct {
	listener *net.UnixListener
	path     string // where daprd finds it
	hidden   string // where it is bound
	lock     *os.File
	own      os.FileInfo // the socket's own file, once published
}

// bind takes the name for this process and binds its socket, hidden.
func bind(folder, name string, mode fs.FileMode) (*socket, error) {
	private := filepath.Join(folder, "."+name)
	s := &socket{
		path:   filepath.Join(folder, name+".sock"),
		hidden: filepath.Join(private, "s"),
	}
	if len(s.path) > maxSocketPath {
		return nil, fmt.Errorf("the socket's path %s is longer than the %d bytes that the system allows: "+
			"set DAPR_COMPONENTS_SOCKETS_FOLDER, for this process and daprd, to a shorter folder", s.path, maxSocketPath)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the socket's folder: %w", err)
	}
	if err := os.MkdirAll(private, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the socket's lock: %w", err)
	}
	if err := s.takeLock(filepath.Join(private, "lock")); err != nil {
		return nil, err
	}
	if err := s.listen(mode); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// maxSocketPath is what fits into sun_path, unix(7), with its final zero.
const maxSocketPath = 107

// takeLock fails if another process of this name is alive; the kernel lets the
// lock of a dead one go.
func (s *socket) takeLock(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the socket's lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return s.inUse()
		}
		return fmt.Errorf("locking %s: %w", path, err)
	}
	s.lock = f
	return nil
}

func (s *socket) inUse() error {
	return fmt.Errorf("another process already serves %s: stop it, "+
		"or set DAPR_COMPONENTS_SOCKETS_FOLDER, for this process and its daprd, to another folder", s.path)
}

func (s *socket) listen(mode fs.FileMode) error {
	if err := s.checkPath(); err != nil {
		return err
	}
	if err := os.Remove(s.hidden); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a leftover socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.hidden, Net: "unix"})
	if err != nil {
		return fmt.Errorf("binding the socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it will have moved
	s.listener = l
	if err := os.Chmod(s.hidden, mode); err != nil {
		return fmt.Errorf("setting the socket's mode: %w", err)
	}
	return nil
}

// checkPath refuses to replace anything but a socket that nobody serves.
func (s *socket) checkPath() error {
	info, err := os.Lstat(s.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is in the way and is not a socket: remove it", s.path)
	}
	c, err := net.DialTimeout("unix", s.path, dialTimeout)
	switch {
	case err == nil:
		_ = c.Close()
		return s.inUse()
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return nil
	default:
		return fmt.Errorf("asking whether %s is served: %w", s.path, err)
	}
}

// publish makes the socket visible to daprd, in the place of a dead one.
func (s *socket) publish() error {
	own, err := os.Lstat(s.hidden)
	if err == nil {
		err = os.Rename(s.hidden, s.path)
	}
	if err != nil {
		return fmt.Errorf("making the socket visible: %w", err)
	}
	s.own = own
	return nil
}

// remove takes the socket out of daprd's sight, unless it is another's by now.
func (s *socket) remove() {
	if s.own == nil {
		return
	}
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(s.own, now) {
		_ = os.Remove(s.path)
	}
	s.own = nil
}

// close gives everything back. The lock's file stays: to remove it would let two
// processes hold a lock each.
func (s *socket) close() {
	s.remove()
	if s.listener != nil {
		_ = s.listener.Close()
		_ = os.Remove(s.hidden)
	}
	_ = s.lock.Close()
}
