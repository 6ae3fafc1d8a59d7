package gcptest

import (
	"crypto/tls"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Server is a gRPC server on loopback. It can stop and start again at its address.
type Server struct {
	Address string

	config   *tls.Config // nil: plain text
	register func(*grpc.Server)

	mu      sync.Mutex
	running *grpc.Server
	ended   chan struct{}
}

// newServer starts a server.
func newServer(config *tls.Config, register func(*grpc.Server)) (*Server, error) {
	s := &Server{Address: "127.0.0.1:0", config: config, register: register}
	return s, s.Start()
}

// Start starts a server that was stopped.
func (s *Server) Start() error {
	listener, err := net.Listen("tcp", s.Address)
	if err != nil {
		return err
	}
	var options []grpc.ServerOption
	if s.config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.config)))
	}
	server, ended := grpc.NewServer(options...), make(chan struct{})
	s.register(server)
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Address, s.running, s.ended = listener.Addr().String(), server, ended
	return nil
}

// Stop stops the server, and closes its connections.
func (s *Server) Stop() {
	s.mu.Lock()
	running, ended := s.running, s.ended
	s.mu.Unlock()
	running.Stop()
	<-ended
}
