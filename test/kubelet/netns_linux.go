package kubelet

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// netns is a network namespace. It lasts as long as its file is open, or a process is in it.
type netns struct{ file *os.File }

// podAddress is the address of every pod in its own network.
const podAddress = "10.244.0.2"

// newNetns returns a new network namespace. Its loopback interface is up and also has podAddress,
// because daprd does not run without an address of this kind.
func newNetns() (ns netns, err error) {
	err = onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		if err := raiseLoopback(); err != nil {
			return fmt.Errorf("loopback interface: %w", err)
		}
		ns, err = currentNetns()
		return err
	})
	return ns, err
}

// currentNetns returns the network namespace of the current thread.
func currentNetns() (netns, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	return netns{f}, err
}

func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return err
	}
	alias, err := unix.NewIfreq("lo:0")
	if err != nil {
		return err
	}
	if err := alias.SetInet4Addr(net.ParseIP(podAddress).To4()); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, alias)
}

// path returns a path by which other programs can join the namespace.
func (n netns) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

func (n netns) close() { _ = n.file.Close() }

// dial connects to an address in the namespace.
func (n netns) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// listen listens at an address in the namespace.
func (n netns) listen(address string) (listener net.Listener, err error) {
	err = n.do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// do calls f in the namespace. A socket that f creates stays in it.
func (n netns) do(f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// onOwnThread calls f on a thread that ends afterwards, so that f may change the thread's
// namespaces.
func onOwnThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}
