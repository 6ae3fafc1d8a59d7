package pluggable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	"github.com/dapr/kit/logger"
)

const (
	// DefaultSocketMode is the socket's permission bits (DESIGN.md, section 9).
	DefaultSocketMode fs.FileMode = 0o660
	// DefaultStopTimeout is how long running calls get at the end (section 9).
	DefaultStopTimeout = 5 * time.Second
)

// Options are what a server is made of.
type Options struct {
	// Name is the component's: daprd knows it as secretstores.<Name>, and the
	// socket is <Name>.sock. Required.
	Name string
	// NewSecretStore makes a secret store that has not been initialised; it is
	// called for every Init. Required.
	NewSecretStore func() secretstores.SecretStore
	// Logger is told of instances that come and go. Required.
	Logger logger.Logger
	// SocketFolder is where the socket goes. Empty: SocketFolder().
	SocketFolder string
	// SocketMode is the socket's permission bits. Zero: DefaultSocketMode.
	SocketMode fs.FileMode
	// StopTimeout is how long running calls get at the end. Zero:
	// DefaultStopTimeout.
	StopTimeout time.Duration
}

// Server serves one secret store over one socket.
type Server struct {
	opts      Options
	instances *instances
}

// New returns a server that does not serve yet.
func New(opts Options) (*Server, error) {
	switch {
	case opts.Name == "":
		return nil, errors.New("pluggable: no name")
	case opts.NewSecretStore == nil:
		return nil, errors.New("pluggable: no secret store")
	case opts.Logger == nil:
		return nil, errors.New("pluggable: no logger")
	}
	if opts.SocketFolder == "" {
		opts.SocketFolder = SocketFolder()
	}
	if opts.SocketMode == 0 {
		opts.SocketMode = DefaultSocketMode
	}
	if opts.StopTimeout == 0 {
		opts.StopTimeout = DefaultStopTimeout
	}
	return &Server{opts: opts, instances: newInstances(opts.NewSecretStore, opts.Logger)}, nil
}

// Run serves until ctx ends, then stops: the socket goes first, running calls get
// StopTimeout, and every store is closed. It returns nil if it was ctx that ended
// it, and the reason for anything else.
func (s *Server) Run(ctx context.Context) error {
	sock, err := bind(s.opts.SocketFolder, s.opts.Name, s.opts.SocketMode)
	if err != nil {
		return err
	}
	defer sock.close()
	server := s.grpcServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(&peerListener{sock.listener, s.instances.connectionEnded}) }()

	if err := sock.publish(); err != nil {
		server.Stop()
		return err
	}
	s.opts.Logger.Infof("%s serves on %s", s.opts.Name, sock.path)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go s.instances.watchPeers(watching)

	select {
	case err = <-served:
		err = fmt.Errorf("serving on %s: %w", sock.path, err)
	case <-ctx.Done():
	}
	sock.remove()
	s.stop(server)
	return err
}

func (s *Server) grpcServer() *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(peerCredentials{}),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(s.recovered))),
	)
	proto.RegisterSecretStoreServer(server, &service{instances: s.instances})
	reflection.Register(server) // v1 and v1alpha; daprd asks for v1alpha
	return server
}

// recovered answers a call that panicked. What it panicked with may hold a
// secret, so only its type is logged.
func (s *Server) recovered(cause any) error {
	s.opts.Logger.Errorf("a call panicked (%T); it was answered as Internal", cause)
	return status.Error(codes.Internal, "internal error")
}

// stop lets running calls end and closes the stores, within StopTimeout for each.
// What hangs for longer is left behind: the process is about to end.
func (s *Server) stop(server *grpc.Server) {
	if !s.within(server.GracefulStop) {
		// Stop ends the connections, and then may wait for a call that hangs.
		go server.Stop()
	}
	if !s.within(s.instances.close) {
		s.opts.Logger.Warn("a store has not closed in time; it is left as it is")
	}
}

// within tells whether fn, which goes on otherwise, is done within StopTimeout.
func (s *Server) within(fn func()) bool {
	done := make(chan struct{})
	go func() {
		fn()
		close(done)
	}()
	timer := time.NewTimer(s.opts.StopTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// peerListener hands out connections that say when they end.
type peerListener struct {
	net.Listener

	onEnd func(*connection)
}

func (l *peerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConnection(c, l.onEnd), nil
}
