package storetest

import (
	"testing"

	"github.com/dapr/kit/logger"

	"credential-resolver/internal/logtext"
)

// NewLog returns a logger with a level, and the text that it writes.
func NewLog(t testing.TB, level logger.LogLevel) (logger.Logger, *logtext.Text) {
	t.Helper()
	text := &logtext.Text{}
	log := text.Logger(t.Name())
	log.SetOutputLevel(level)
	return log, text
}

// DevNull returns a logger whose output nobody sees.
func DevNull(t testing.TB) logger.Logger {
	log, _ := NewLog(t, logger.DebugLevel)
	return log
}
