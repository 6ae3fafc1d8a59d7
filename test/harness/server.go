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
)

// Server is a store's own server on loopback, with its data in a temporary
// folder. It leads a process group of its own, so that what is done to it is done
// to all of its processes, and it ends with this process.
type Server struct {
	*Process // the one that runs now; Restart replaces it

	// Address is the server's, as "127.0.0.1:port"; it outlives a restart.
	Address string
	// Dir is where its data are.
	Dir string

	spec serverSpec
	port int
	more int // a second port, for servers that want one
}

// serverSpec says how to start a server.
type serverSpec struct {
	path  string                                     // of its program, which may stand in no $PATH
	args  func(s *Server) []string                   // of its program
	env   []string                                   // besides this process's own
	uid   uint32                                     // the user that it runs as, who owns Dir then; 0 for this process's
	stop  syscall.Signal                             // what ends it in good order; 0 for SIGTERM
	ready func(ctx context.Context, s *Server) error // nil: whether the port accepts
	apart func(s *Server) []int                      // its processes that lead groups of their own; nil: none
}

// program returns the path of a server's program, from $PATH or else one of more
// places. install is the one command that brings it.
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

// newServer makes the folder and takes the ports of a server, and starts nothing.
func newServer(spec serverSpec) (*Server, error) {
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "server-")
	if err != nil {
		return nil, err
	}
	if spec.uid != 0 {
		err = os.Chown(dir, int(spec.uid), int(spec.uid))
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	return &Server{Address: address, Dir: dir, spec: spec, port: ports[0], more: ports[1]}, err
}

// Restart starts the server after Stop or Kill, on its old port and data, and
// waits until it is ready.
func (s *Server) Restart(ctx context.Context) error {
	p, err := start(command{
		path: s.spec.path, args: s.spec.args(s), env: s.spec.env, dir: s.Dir, uid: s.spec.uid, group: true,
	})
	if err != nil {
		return err
	}
	s.Process = p
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ready := s.spec.ready
	if ready == nil {
		ready = accepts
	}
	return p.await(ctx, func() bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return ready(ctx, s) == nil
	})
}

// accepts tells whether the server's port accepts connections.
func accepts(ctx context.Context, s *Server) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Stop ends the server in good order and waits for it; one that does not end
// within ten seconds is killed, which is an error.
func (s *Server) Stop() error {
	_ = s.Signal(cmp.Or(s.spec.stop, syscall.SIGTERM))
	select {
	case <-s.Ended():
		return nil // servers differ in what they call a good end
	case <-time.After(10 * time.Second):
		s.Kill()
		return fmt.Errorf("%s did not end within 10 s", s.name)
	}
}

// Kill ends all of the server's processes at once.
func (s *Server) Kill() {
	_ = s.signalGroup(syscall.SIGKILL)
	<-s.Ended()
}

// Hang stops all of the server's processes where they are: its port accepts
// connections and nobody answers. On a busy machine a thread may answer yet when
// the signal is sent, so it waits for all of them.
func (s *Server) Hang() error {
	if err := s.signalGroup(syscall.SIGSTOP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return s.await(ctx, func() bool {
		return !slices.ContainsFunc(append(s.apart(), s.Pid()), running)
	})
}

// Continue lets a server that hangs go on.
func (s *Server) Continue() error { return s.signalGroup(syscall.SIGCONT) }

func (s *Server) signalGroup(signal syscall.Signal) error {
	err := syscall.Kill(-s.Pid(), signal)
	for _, pid := range s.apart() {
		_ = syscall.Kill(pid, signal) // one that has ended meanwhile is as good
	}
	return err
}

// apart returns the server's processes that lead groups of their own.
func (s *Server) apart() []int {
	if s.spec.apart == nil {
		return nil
	}
	return s.spec.apart(s)
}

// Remove kills the server and removes its folder.
func (s *Server) Remove() {
	if s.Process != nil {
		s.Kill()
	}
	_ = os.RemoveAll(s.Dir)
}
