package backend

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/dapr/kit/logger"

	"credential-resolver/internal/logtext"
	"credential-resolver/internal/owned/ownedtest"
)

// A store that was closed leaves no goroutine behind, whatever it went through.
func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	goleak.VerifyTestMain(m)
}

// newLog returns a logger at a level and what it writes.
func newLog(t *testing.T, level logger.LogLevel) (logger.Logger, *logtext.Text) {
	t.Helper()
	text := &logtext.Text{}
	log := text.Logger(t.Name())
	log.SetOutputLevel(level)
	return log, text
}
