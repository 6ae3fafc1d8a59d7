package container

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Network is a network namespace. It lasts until it is closed and no process is in it.
type Network struct{ file *os.File }

// Address is the address of every new network, beside loopback. daprd does not run without an
// address of this kind.
const Address = "10.244.0.2"

// NewNetwork returns a new network. Its only interface is loopback, which also has Address.
func NewNetwork() (n Network, err error) {
	err = onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		if err := raiseLoopback(); err != nil {
			return fmt.Errorf("loopback interface: %w", err)
		}
		n, err = HostNetwork()
		return err
	})
	return n, err
}

// HostNetwork returns the network of this program.
func HostNetwork() (Network, error) {
	f, err := os.Open("/proc/thread-self/ns/net")
	return Network{f}, err
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
	if err := alias.SetInet4Addr(net.ParseIP(Address).To4()); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, alias)
}

// path returns a path by which other programs can join the namespace.
func (n Network) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// Close closes the namespace.
func (n Network) Close() { _ = n.file.Close() }

// Dial connects to an address in the namespace.
func (n Network) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = n.do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens at an address in the namespace.
func (n Network) Listen(address string) (listener net.Listener, err error) {
	err = n.do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// do calls f in the namespace. A socket that f creates stays in it.
func (n Network) do(f func() error) error {
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
