package harness

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"

	"credential-resolver/test/waiting"
)

// Server is a store's own server on loopback, with its data in a temporary folder. It leads its
// own process group, so that signals reach all of its processes. It ends with this process.
type Server struct {
	*Process // the current process; Restart replaces it

	// Address is the server's address, as "127.0.0.1:port". Start sets it. It stays the same
	// after a restart.
	Address string
	// Dir is the folder of its data.
	Dir string

	spec  serverSpec
	ports *Ports // until Remove
	port  int
	more  int // a second port, for servers that need one
}

// serverSpec says how to start a server.
type serverSpec struct {
	path  string                                     // of its program, which may not be in $PATH
	files func(s *Server) error                      // writes what depends on its ports; may be nil
	args  func(s *Server) []string                   // of its program
	env   []string                                   // in addition to this process's environment
	uid   uint32                                     // its user, who also owns Dir; 0 means the user of this process
	stop  syscall.Signal                             // the signal for an orderly end; 0 means SIGTERM
	ready func(ctx context.Context, s *Server) error // nil: ready when the port accepts connections
	apart func(s *Server) []int                      // its processes that lead other groups; nil: none
}

// program returns the path of a server's program, from $PATH or from one of the other places.
// install is the command that installs it.
func program(name, install string, places ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, place := range places {
		if path, err := exec.LookPath(place); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: %s", name, install)
}

// newServer creates the folder of a server. It does not start the server.
func newServer(spec serverSpec) (*Server, error) {
	dir, err := os.MkdirTemp("", "server-")
	if err != nil {
		return nil, err
	}
	if spec.uid != 0 {
		err = os.Chown(dir, int(spec.uid), int(spec.uid))
	}
	return &Server{Dir: dir, spec: spec}, err
}

// Start starts the server for the first time, and waits until it is ready. If it finds its
// ports in use, it is started again on others.
func (s *Server) Start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return onFreePorts(func() error { return s.awaitReady(ctx) }, func() bool { return s.portWasInUse() }, s.launch)
}

// launch starts the server on new ports.
func (s *Server) launch() error {
	ports, err := TakePorts(2)
	if err != nil {
		return err
	}
	s.ports.Release()
	s.ports, s.port, s.more = ports, ports.Numbers[0], ports.Numbers[1]
	s.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	if s.spec.files != nil {
		if err := s.spec.files(s); err != nil {
			return err
		}
	}
	return s.launchAgain()
}

// Restart starts the server after Stop or Kill, with its old ports and data, and waits until it
// is ready.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.launchAgain(); err != nil {
		return err
	}
	return onFreePorts(func() error { return s.awaitReady(ctx) }, func() bool { return s.portWasInUse() }, s.launchAgain)
}

// launchAgain starts the server on its old ports.
func (s *Server) launchAgain() error {
	p, err := start(command{
		path: s.spec.path, args: s.spec.args(s), env: s.spec.env, dir: s.Dir, uid: s.spec.uid, group: true,
	})
	if err == nil {
		s.Process = p
	}
	return err
}

// readyTimeout is how long a server that starts may take to answer whether it is ready.
const readyTimeout = 10 * time.Second

// awaitReady waits until the server is ready.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waiting.Long)
	defer cancel()
	ready := s.spec.ready
	if ready == nil {
		ready = accepts
	}
	return s.await(ctx, func() bool {
		ctx, cancel := context.WithTimeout(ctx, readyTimeout)
		defer cancel()
		return ready(ctx, s) == nil
	})
}

// accepts returns an error if the server's port does not accept connections.
func accepts(ctx context.Context, s *Server) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Stop ends the server in an orderly way and waits for it. A server that does not end is killed,
// and Stop returns an error.
func (s *Server) Stop() error {
	_ = s.Signal(cmp.Or(s.spec.stop, syscall.SIGTERM))
	select {
	case <-s.Ended():
		return nil // servers differ in the exit status of an orderly end
	case <-time.After(waiting.Long):
		s.Kill()
		return fmt.Errorf("%s did not end within %v", s.name, waiting.Long)
	}
}

// Kill kills all of the server's processes.
func (s *Server) Kill() {
	_ = s.signalGroup(syscall.SIGKILL)
	<-s.Ended()
}

// Hang stops all of the server's processes: its port accepts connections, but nothing answers.
// On a busy machine, a thread may still answer after the signal was sent, so Hang waits until
// all threads have stopped.
func (s *Server) Hang() error {
	if err := s.signalGroup(syscall.SIGSTOP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), waiting.Long)
	defer cancel()
	return s.await(ctx, func() bool {
		return !slices.ContainsFunc(append(s.apart(), s.Pid()), running)
	})
}

// Continue resumes a server after Hang.
func (s *Server) Continue() error { return s.signalGroup(syscall.SIGCONT) }

func (s *Server) signalGroup(signal syscall.Signal) error {
	err := syscall.Kill(-s.Pid(), signal)
	for _, pid := range s.apart() {
		_ = syscall.Kill(pid, signal) // a process that has already ended is fine
	}
	return err
}

// apart returns the server's processes that lead other groups.
func (s *Server) apart() []int {
	if s.spec.apart == nil {
		return nil
	}
	return s.spec.apart(s)
}

// Remove kills the server, releases its ports and removes its folder.
func (s *Server) Remove() {
	if s.Process != nil {
		s.Kill()
	}
	s.ports.Release()
	_ = os.RemoveAll(s.Dir)
}
