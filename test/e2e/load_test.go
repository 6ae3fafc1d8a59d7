//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// load requests credentials continuously and checks every answer.
type load struct {
	want                 map[string]map[string]string
	cancel               context.CancelFunc
	pace                 *time.Ticker // of the requests, so that they do not take all of the processor
	workers              sync.WaitGroup
	right, wrong, failed atomic.Int64

	mu        sync.Mutex
	asked     time.Time // the start of the latest request that got a right answer
	unexpects map[string]int
}

func startLoad(t *testing.T, daprd *harness.Daprd, want map[string]map[string]string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{want: want, cancel: cancel, pace: time.NewTicker(time.Millisecond), unexpects: map[string]int{}}
	for range 4 {
		l.workers.Go(func() {
			for ctx.Err() == nil {
				for guid, entries := range l.want {
					<-l.pace.C
					l.one(ctx, daprd, guid, entries)
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) one(ctx context.Context, daprd *harness.Daprd, guid string, want map[string]string) {
	asked := time.Now()
	r, err := ask(ctx, daprd, "credentials", guid)
	switch {
	case ctx.Err() != nil:
	case err == nil && r.code == "" && maps.Equal(r.entries, want):
		l.right.Add(1)
		l.mu.Lock()
		if asked.After(l.asked) {
			l.asked = asked
		}
		l.mu.Unlock()
	case err == nil && r.code == "":
		l.wrong.Add(1)
	default:
		l.failed.Add(1)
		if err != nil || !brokenConnection(r.message) {
			l.mu.Lock()
			l.unexpects[fmt.Sprint(r.message, err)]++
			l.mu.Unlock()
		}
	}
}

// brokenConnection reports whether the failure comes from daprd's own gRPC client.
func brokenConnection(message string) bool {
	if !strings.Contains(message, "code = Unavailable") {
		return false
	}
	for _, words := range []string{
		"connection error", "error reading from server", "the connection is draining", "transport is closing",
		"broken pipe", "connection reset by peer", // killed just after the runtime has connected
	} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// firstAnswerAfter waits for a right answer to a request made after a moment. It returns the
// time from that moment to the answer.
func (l *load) firstAnswerAfter(t *testing.T, moment time.Time) time.Duration {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.asked.After(moment)
	}, patience, 5*time.Millisecond, "no right answer any more")
	return time.Since(moment)
}

func (l *load) surprises() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unexpects
}

func (l *load) stop() {
	l.cancel()
	l.workers.Wait()
	l.pace.Stop()
}
