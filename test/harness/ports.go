package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Ports are TCP ports of 127.0.0.1 for programs that listen on ports that they are told. No
// other test process gets them before Release, or before this process ends.
type Ports struct {
	Numbers []int

	locks []*os.File
}

// TakePorts takes n ports. A server in this process does not need it: it listens on port 0.
func TakePorts(n int) (*Ports, error) {
	return sharedPorts(outgoingPorts).take(n)
}

// Release gives the ports back. It may be called more than once, also on nil.
func (p *Ports) Release() {
	if p == nil {
		return
	}
	for _, lock := range p.locks {
		_ = lock.Close() // and with it the lock
	}
	p.locks = nil
}

// portPool is ports that processes share. A process that uses one has locked the file in folder
// that has its number as its name. The kernel ends the lock with the process.
type portPool struct {
	folder string
	ports  []int
}

const (
	// lockFolder is not in $TMPDIR, because all test processes of a machine share its ports.
	lockFolder = "/tmp/credential-resolver-test-ports"
	// portCount is how many ports the test processes of a machine share.
	portCount = 4096
	// leastPort is the lowest port that a test uses. Well-known servers have lower ones.
	leastPort = 10_000
	// outgoingPorts is the file that has the first and the last port that the kernel gives to
	// outgoing connections.
	outgoingPorts = "/proc/sys/net/ipv4/ip_local_port_range"
	// firstOutgoing is the first of them if there is no such file: Linux's default, and below
	// those of other systems.
	firstOutgoing = 32_768
)

// sharedPorts returns the ports that all tests of a machine share. The kernel gives none of them
// to an outgoing connection, unless it may give away nearly all.
func sharedPorts(outgoing string) portPool {
	text, _ := os.ReadFile(outgoing)
	first, last := 0, 0
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil {
		first = firstOutgoing
	}
	if first < leastPort+portCount {
		first = firstOutgoing
	}
	pool := portPool{folder: lockFolder}
	for port := first - portCount; port < first; port++ {
		pool.ports = append(pool.ports, port)
	}
	return pool
}

// take takes n ports. It begins anywhere, so that a port that was released is not soon used
// again.
func (p portPool) take(n int) (*Ports, error) {
	if err := makeShared(p.folder); err != nil {
		return nil, err
	}
	taken, begin := &Ports{}, rand.IntN(len(p.ports))
	for i := 0; i < len(p.ports) && len(taken.Numbers) < n; i++ {
		port := p.ports[(begin+i)%len(p.ports)]
		lock, err := lockFile(filepath.Join(p.folder, strconv.Itoa(port)))
		if err != nil {
			continue // another process has it
		}
		if !bindable(port) {
			_ = lock.Close()
			continue
		}
		taken.Numbers, taken.locks = append(taken.Numbers, port), append(taken.locks, lock)
	}
	if len(taken.Numbers) < n {
		taken.Release()
		return nil, fmt.Errorf("of the %d ports for tests fewer than %d are free", len(p.ports), n)
	}
	return taken, nil
}

// makeShared makes a folder that all users can add files to, unless it exists.
func makeShared(folder string) error {
	err := os.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(folder, os.ModeSticky|0o777) // whatever the umask is
}

// lockFile makes a file unless it exists, and locks it until it is closed. The lock excludes
// this process's other locks too. A program that this process starts does not inherit it.
func lockFile(path string) (*os.File, error) {
	f, err := os.Open(path) // that of another user cannot be opened for writing
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o644); err == nil {
			err = f.Chmod(0o644) // whatever the umask is
		}
	}
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = f.Close() // which may be nil
		return nil, err
	}
	return f, nil
}

// bindable reports whether a port is free.
func bindable(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// startAttempts is how often a program is started that finds its ports in use. No other user of
// TakePorts has them, but any other program may.
const startAttempts = 5

// onFreePorts waits with await until a program is ready. If it ended instead because it found a
// port in use, relaunch starts it on other ports.
func onFreePorts(await func() error, wasInUse func() bool, relaunch func() error) error {
	for attempt := 1; ; attempt++ {
		err := await()
		if err == nil || attempt == startAttempts || !wasInUse() {
			return err
		}
		if err := relaunch(); err != nil {
			return err
		}
	}
}

// portWasInUse reports whether a program has ended because it found a port in use.
func (p *Process) portWasInUse() bool {
	select {
	case <-p.done:
	default:
		return false
	}
	said := strings.ToLower(p.Log())
	return strings.Contains(said, "address already in use") ||
		strings.Contains(said, "could not listen on any endpoint") // daprd
}
