// Package logtext keeps what a logger writes, for who looks at it later: tests, and
// package clienttest.
package logtext

import (
	"bytes"
	"sync"

	"github.com/dapr/kit/logger"
)

// Text is what was written. It is safe for concurrent use. The zero value is empty.
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

// String returns all of it.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// Logger returns a logger that writes to it, at info level, the one that the component
// runs at. Loggers are the process's, one a name.
func (t *Text) Logger(name string) logger.Logger {
	log := logger.NewLogger(name)
	log.SetOutputLevel(logger.InfoLevel)
	log.SetOutput(t)
	return log
}
