package pluggable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	sdk "github.com/dapr-sandbox/components-go-sdk/bindings/v1"
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"
)

const (
	// DefaultSocketMode is the socket's permission bits (DESIGN.md, section 9).
	DefaultSocketMode fs.FileMode = 0o660
	// DefaultStopTimeout is how long running calls get at the end (section 9).
	DefaultStopTimeout = 5 * time.Second

	// streamWorkers are the goroutines that wait for calls; what comes while all are
	// busy gets one of its own. A daprd has some dozens of calls under way at a time.
	streamWorkers = 64
)

// Options are what a server is made of.
type Options struct {
	// Name is the component's: daprd knows it as secretstores.<Name>, and the
	// socket is <Name>.sock. Required.
	Name string
	// Logger is told of instances that come and go. Required.
	Logger logger.Logger
	// SocketFolder is where the socket goes. Empty: SocketFolder().
	SocketFolder string
	// SharedSocketFolder accepts a SocketFolder that others may write to. They can then
	// replace the socket. False: such a folder is refused.
	SharedSocketFolder bool
	// SocketMode is the socket's permission bits. Zero: DefaultSocketMode.
	SocketMode fs.FileMode
	// StopTimeout is how long running calls get at the end. Zero:
	// DefaultStopTimeout.
	StopTimeout time.Duration
	// ShutdownDelay is how long the server goes on at most when it is told to end, while
	// anybody is connected. Zero: it ends at once.
	ShutdownDelay time.Duration
	// StateFolder is where instances are remembered, so that they outlive this
	// process. Empty: StateFolder(Name).
	StateFolder string
	// StateOnDisk allows a StateFolder that is not in memory. False: such a folder
	// is not used, and nothing outlives the process.
	StateOnDisk bool
	// StateKey encrypts what is in the StateFolder: StateKeySize random bytes. Nil: it
	// is not encrypted, and on a disk no answers are kept.
	StateKey []byte
	// AllowUIDs are the users that may call, besides the process's own and root. Nil:
	// no other.
	AllowUIDs []uint32
	// SingleDaprd says that all processes of one user are one daprd. False: each
	// process has instances of its own.
	SingleDaprd bool
}

// NewBinding makes an output binding that has not been initialised. It may use the secret
// stores of the daprd that calls it.
type NewBinding[S secretstores.SecretStore] func(*SecretStores[S]) bindings.OutputBinding

// Server serves secret stores of one type, and output bindings beside them, over one
// socket.
type Server[S secretstores.SecretStore] struct {
	opts     Options
	binding  NewBinding[S] // nil: no binding is served
	stores   *instances[S]
	bindings *instances[bindings.OutputBinding]
	calls    *calls
	seal     *sealer       // nil without a StateKey
	answers  *answers      // nil: none outlive the process
	allowed  []uint32      // the users that may call
	ended    chan struct{} // told, without waiting, of every connection that ends
}

// New returns a server that does not serve yet. store makes a secret store that has not been
// initialised, and binding an output binding; each is called for every Init. A nil binding:
// none is served.
func New[S secretstores.SecretStore](opts Options, store func() S, binding NewBinding[S]) (*Server[S], error) {
	switch {
	case opts.Name == "":
		return nil, errors.New("pluggable: no name")
	case store == nil:
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
	if opts.StateFolder == "" {
		opts.StateFolder = StateFolder(opts.Name)
	}
	allowed := allowedUsers(opts.AllowUIDs)
	if err := checkUsers(allowed); err != nil {
		return nil, err
	}
	seal, err := newSealer(opts.StateKey)
	if err != nil {
		return nil, err
	}
	s := &Server[S]{opts: opts, binding: binding, seal: seal, calls: newCalls(), allowed: allowed, ended: make(chan struct{}, 1)}
	s.stores = newInstances("secretstores", opts.Logger, initSecretStore(store))
	s.bindings = newInstances("bindings", opts.Logger, s.initOutputBinding)
	return s, nil
}

// Run brings back the instances of an earlier process, and serves until ctx ends.
// Then it goes on for ShutdownDelay at most, and stops: the socket goes first, running
// calls get StopTimeout, and then the stores get it to close. It returns nil if it was ctx that ended it, and the reason
// for anything else.
func (s *Server[S]) Run(ctx context.Context) error {
	sock, err := bind(s.opts)
	if err != nil {
		return err
	}
	defer sock.close()
	server := s.grpcServer()
	served := make(chan error, 1)
	s.restore(ctx)
	accepted := newListener(sock.listener, s.opts.SingleDaprd, s.allowed, s.opts.Logger, s.connectionEnded)
	go func() { served <- server.Serve(accepted) }()

	if err := sock.publish(); err != nil {
		s.stop(server)
		return err
	}
	s.opts.Logger.Infof("%s serves on %s", s.opts.Name, sock.path)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go s.watchPeers(watching)
	unpublished, unwatch := sock.watch()

	select {
	case err = <-served:
		err = fmt.Errorf("serving on %s: %w", sock.path, err)
	case err = <-unpublished:
		s.opts.Logger.Error(err)
	case <-ctx.Done():
		s.drain(accepted)
	}
	unwatch()
	sock.remove()
	s.stop(server)
	return err
}

func (s *Server[S]) grpcServer() *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(transport{}),
		grpc.InTapHandle(newAccess(s.opts.Logger).check),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaders),
		// A daprd calls much and little at a time: goroutines and buffers are worth
		// keeping from one call to the next.
		grpc.NumStreamWorkers(streamWorkers),
		grpc.SharedWriteBuffer(true),
		grpc.ChainUnaryInterceptor(s.calls.intercept, recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(s.recovered))),
	)
	server.RegisterService(serviceDesc[S](), &service[S]{instances: s.stores})
	if s.binding != nil {
		sdk.RegisterOutput(server, s.outputBinding)
	}
	reflection.Register(server) // v1 and v1alpha; daprd asks for v1alpha
	return server
}

// recovered answers a call that panicked. What it panicked with may hold a
// secret, so only its type is logged.
func (s *Server[S]) recovered(cause any) error {
	s.opts.Logger.Errorf("a call panicked (%T); it was answered as Internal", cause)
	return status.Error(codes.Internal, "internal error")
}

const (
	// peerCheck is how often instances without a connection are asked whether
	// their daprd still lives.
	peerCheck = 10 * time.Second
	// endCheck is how long after the end of a connection that is asked: a process
	// closes its connections before it is gone.
	endCheck = time.Second
)

// connectionEnded closes the stores that only c used.
func (s *Server[S]) connectionEnded(c *connection) {
	s.stores.connectionEnded(c)
	s.bindings.connectionEnded(c)
	select {
	case s.ended <- struct{}{}:
	default:
	}
}

// watchPeers forgets instances whose daprd is gone, until ctx ends.
func (s *Server[S]) watchPeers(ctx context.Context) {
	every := time.NewTicker(peerCheck)
	defer every.Stop()
	soon := time.NewTimer(endCheck)
	defer soon.Stop()
	waiting := true // whether soon will tell
	for {
		select {
		case <-every.C:
			s.dropGone()
			s.expireAnswers()
			s.closeIdle()
		case <-s.ended:
			if !waiting { // ends that come one after the other must not put it off
				waiting = true
				soon.Reset(endCheck)
			}
		case <-soon.C:
			waiting = false
			s.dropGone()
		case <-ctx.Done():
			return
		}
	}
}

// dropGone drops what is kept of processes that have ended.
func (s *Server[S]) dropGone() {
	s.stores.dropGone()
	s.bindings.dropGone()
}

// closeIdle closes the stores that no connection has used since the last time.
func (s *Server[S]) closeIdle() {
	s.stores.closeIdle()
	s.bindings.closeIdle()
}

// stop lets running calls end and closes the stores, within StopTimeout for each.
// While they run, others are answered too. What hangs for longer is left behind: the
// process is about to end.
func (s *Server[S]) stop(server *grpc.Server) {
	if !within(s.opts.StopTimeout, func() { s.calls.wait(); server.GracefulStop() }) {
		// Stop ends the connections, and then may wait for a call that hangs.
		go server.Stop()
	}
	if !within(s.opts.StopTimeout, func() { s.bindings.close(); s.stores.close() }) {
		s.opts.Logger.Warn("a store has not closed in time; it is left as it is")
	}
	s.closeAnswers()
}

// within tells whether fn, which goes on otherwise, is done within a time.
func within(limit time.Duration, fn func()) bool {
	done := make(chan struct{})
	go func() {
		fn()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
