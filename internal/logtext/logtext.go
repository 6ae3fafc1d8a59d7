// Package logtext keeps what a logger writes, so that tests and package clienttest can read it
// later.
package logtext

import (
	"bytes"
	"sync"

	"github.com/dapr/kit/logger"
)

// Text collects what was written to it. It is safe for concurrent use. The zero value is
// empty.
type Text struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String returns everything that was written so far.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Logger returns a logger that writes to t at info level, which is the component's level.
// Loggers are global: each name has one logger in the process.
func (t *Text) Logger(name string) logger.Logger {
	log := logger.NewLogger(name)
	log.SetOutputLevel(logger.InfoLevel)
	log.SetOutput(t)
	return log
}
