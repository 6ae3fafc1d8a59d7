package pluggable

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// calls counts the calls under way. When the process is told to stop, it can wait for the
// calls that run at that moment, but not for later ones.
type calls struct {
	mu      sync.Mutex
	running *sync.WaitGroup
}

func newCalls() *calls { return &calls{running: &sync.WaitGroup{}} }

// intercept is a [grpc.UnaryServerInterceptor].
func (c *calls) intercept(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	c.mu.Lock()
	running := c.running
	running.Add(1)
	c.mu.Unlock()
	defer running.Done()
	return handle(ctx, req)
}

// wait waits for the calls that are under way when it is called. Later calls do not extend
// the wait.
func (c *calls) wait() {
	c.mu.Lock()
	running := c.running
	c.running = &sync.WaitGroup{}
	c.mu.Unlock()
	running.Wait()
}

// drain delays the shutdown while a peer that may call is connected, for at most
// ShutdownDelay. A daprd that drains still sends calls.
func (s *Server[S]) drain(l *listener) {
	if s.opts.ShutdownDelay <= 0 {
		return
	}
	s.opts.Logger.Infof("stopping: still serving while daprd is connected, for at most %s", s.opts.ShutdownDelay)
	select {
	case <-l.empty():
	case <-time.After(s.opts.ShutdownDelay):
	}
}
