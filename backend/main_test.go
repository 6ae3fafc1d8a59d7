package backend

import (
	"bytes"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/dapr/kit/logger"
)

// A store that was closed leaves no goroutine behind, whatever it went through.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logText is what a logger wrote; stores log from goroutines of their own.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newLog returns a logger at a level and what it writes.
func newLog(t *testing.T, level logger.LogLevel) (logger.Logger, *logText) {
	t.Helper()
	log, text := logger.NewLogger(t.Name()), &logText{}
	log.SetOutput(text)
	log.SetOutputLevel(level)
	return log, text
}
