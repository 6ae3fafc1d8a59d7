package pluggable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
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
	// DefaultSocketMode is the default for the socket's permission bits (DESIGN.md, section 9).
	DefaultSocketMode fs.FileMode = 0o660
	// DefaultStopTimeout is the default time that running calls get to end at a shutdown
	// (DESIGN.md, section 9).
	DefaultStopTimeout = 5 * time.Second

	// streamWorkers is the number of goroutines that wait for calls. A call that arrives
	// while all are busy gets a goroutine of its own. A daprd has some dozens of calls under
	// way at a time.
	streamWorkers = 64
)

// Options configure a [Server].
type Options struct {
	// Name is the component's name. daprd knows the component as secretstores.<Name>, and the
	// socket is <Name>.sock. Required.
	Name string
	// Logger receives messages, such as instances that come and go. Required.
	Logger logger.Logger
	// SocketFolder is the folder of the socket. Empty: SocketFolder().
	SocketFolder string
	// SharedSocketFolder accepts a SocketFolder that others may write to. They can then
	// replace the socket. False: such a folder is refused.
	SharedSocketFolder bool
	// SocketMode is the socket's permission bits. Zero: DefaultSocketMode.
	SocketMode fs.FileMode
	// StopTimeout is how long running calls get to end at a shutdown. Zero:
	// DefaultStopTimeout.
	StopTimeout time.Duration
	// ShutdownDelay is the longest time for which the server goes on serving after it is told
	// to stop. It stops earlier if no peer that may call is connected. Zero: it stops at once.
	ShutdownDelay time.Duration
	// StateFolder is the folder where instances are remembered, so that they outlive this
	// process. Empty: StateFolder(Name).
	StateFolder string
	// StateOnDisk allows a StateFolder that is not in memory. False: such a folder is not
	// used, and nothing outlives the process.
	StateOnDisk bool
	// StateKey is the key that encrypts the files in StateFolder: StateKeySize random bytes.
	// Nil: the files are not encrypted, and no answers are kept on a disk.
	StateKey []byte
	// AllowUIDs are the ids of further users that may call, besides the process's own user
	// and root. Nil: no further users.
	AllowUIDs []uint32
	// SingleDaprd says that all processes of one user are one daprd. False: each process has
	// its own instances.
	SingleDaprd bool
	// Refused is called for each call that may not be made, and for each request that reaches no
	// secret store and no binding. The context is the call's. Nil: no call.
	Refused func(context.Context, RefusedCall)
}

// NewBinding makes an output binding that is not initialised yet. The binding may use the
// secret stores of the daprd that calls it.
type NewBinding[S secretstores.SecretStore] func(*SecretStores[S]) bindings.OutputBinding

// Server serves secret stores of one type over one socket, and optionally output bindings
// too.
type Server[S secretstores.SecretStore] struct {
	opts     Options
	binding  NewBinding[S] // nil: no binding is served
	stores   *instances[S]
	bindings *instances[bindings.OutputBinding]
	calls    *calls
	seal     *sealer  // nil without a StateKey
	answers  *answers // nil: no answers outlive the process
	allowed  []uint32 // the ids of the users that may call
	phase    atomic.Int32
	ended    chan struct{} // signals that a connection has ended; the sender never blocks
}

// New returns a server that does not serve yet. It calls store for every Init of a secret
// store, to make a store that is not initialised yet. It calls binding in the same way for an
// output binding. If binding is nil, no output binding is served.
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

// Run restores the instances of an earlier process, and serves until ctx ends. Then it shuts
// down gracefully. First it may go on serving for ShutdownDelay at most. Then it removes the
// socket, and lets running calls end within StopTimeout. Finally the stores close, again
// within StopTimeout. Run returns nil if it stopped because ctx ended. Otherwise it returns
// the reason.
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
	s.enter(Serving)
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
		s.enter(Stopping)
		s.drain(accepted)
	}
	s.enter(Stopping)
	unwatch()
	sock.remove()
	s.stop(server)
	return err
}

func (s *Server[S]) grpcServer() *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(transport{}),
		grpc.InTapHandle(newAccess(s.opts.Logger, s.opts.Refused).check),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaders),
		// A daprd makes many calls, but only a few at a time. It pays to reuse goroutines
		// and buffers from one call to the next.
		grpc.NumStreamWorkers(streamWorkers),
		grpc.SharedWriteBuffer(true),
		grpc.ChainUnaryInterceptor(s.calls.intercept, s.reportUnserved, recovery.UnaryServerInterceptor(recovery.WithRecoveryHandler(s.recovered))),
	)
	server.RegisterService(serviceDesc[S](), &service[S]{instances: s.stores})
	if s.binding != nil {
		sdk.RegisterOutput(server, s.outputBinding)
	}
	reflection.Register(server) // v1 and v1alpha; daprd asks for v1alpha
	return server
}

// recovered returns the error for a call that panicked: Internal. The panic's value may hold
// a secret, so only its type is logged.
func (s *Server[S]) recovered(cause any) error {
	s.opts.Logger.Errorf("a call panicked (%T); it was answered as Internal", cause)
	return status.Error(codes.Internal, "internal error")
}

const (
	// peerCheck is how often we check whether the daprd of an instance without a connection
	// is still alive.
	peerCheck = 10 * time.Second
	// endCheck is how long after the end of a connection we check that too. The check does
	// not come at once, because a process closes its connections before it is gone.
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

// watchPeers removes instances whose daprd has ended, until ctx ends. It also removes answers
// that are too old, and closes idle stores.
func (s *Server[S]) watchPeers(ctx context.Context) {
	every := time.NewTicker(peerCheck)
	defer every.Stop()
	soon := time.NewTimer(endCheck)
	defer soon.Stop()
	waiting := true // whether soon is running
	for {
		select {
		case <-every.C:
			s.dropGone()
			s.expireAnswers()
			s.closeIdle()
		case <-s.ended:
			if !waiting { // a series of ended connections must not delay the check
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

// dropGone removes the instances of processes that have ended, with their records and
// answers.
func (s *Server[S]) dropGone() {
	s.stores.dropGone()
	s.bindings.dropGone()
}

// closeIdle closes the stores that had no connection at this check and at the last one.
func (s *Server[S]) closeIdle() {
	s.stores.closeIdle()
	s.bindings.closeIdle()
}

// stop lets running calls end within StopTimeout, and then cancels those that are left. While
// the running calls end, new calls are answered too. Then the stores close, within StopTimeout
// again. A store that hangs for longer is left behind, and so is one with a call that ignores
// its cancellation, because the process is about to end.
func (s *Server[S]) stop(server *grpc.Server) {
	if !within(s.opts.StopTimeout, func() { s.calls.wait(); server.GracefulStop() }) {
		// Stop closes the connections, and then may wait for a call that hangs.
		go server.Stop()
	}
	s.bindings.close()
	s.stores.close()
	if !within(s.opts.StopTimeout, func() { s.bindings.awaitClosed(); s.stores.awaitClosed() }) {
		s.opts.Logger.Warn("a store did not close in time; the process ends without it")
	}
	s.closeAnswers()
}

// within runs fn and reports whether it returned within limit. Otherwise fn goes on running
// in the background.
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
