package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/storetest"
)

// everyLevel logs one word at every level that a store can use.
func everyLevel(log logger.Logger) {
	log.Debug("word-debug")
	log.Debugf("%s", "word-debugf")
	log.Info("word-info")
	log.Infof("%s", "word-infof")
	log.Warn("word-warn")
	log.Warnf("%s", "word-warnf")
	log.Error("word-error")
	log.Errorf("%s", "word-errorf")
	log.Fatal("word-fatal") // must not end the process
	log.Fatalf("%s", "word-fatalf")
}

var everyWord = []string{
	"word-debug", "word-debugf", "word-info", "word-infof", "word-warn", "word-warnf",
	"word-error", "word-errorf", "word-fatal", "word-fatalf",
}

func TestStoreLogger(t *testing.T) {
	derived := map[string]func(logger.Logger) logger.Logger{
		"a store's own logger":         func(l logger.Logger) logger.Logger { return l },
		"one with fields, made of it":  func(l logger.Logger) logger.Logger { return l.WithFields(map[string]any{"a": "b"}) },
		"one of a type, made of it":    func(l logger.Logger) logger.Logger { return l.WithLogType(logger.LogTypeRequest) },
		"one with both, made of it":    func(l logger.Logger) logger.Logger { return l.WithLogType("t").WithFields(nil) },
		"one with fields, then a type": func(l logger.Logger) logger.Logger { return l.WithFields(nil).WithLogType("t") },
	}
	for name, derive := range derived {
		t.Run(name+" says nothing above debug level", func(t *testing.T) {
			log, text := storetest.NewLog(t, logger.InfoLevel)
			everyLevel(derive(Quiet(log)))
			require.Empty(t, text.String())
		})
		t.Run(name+" says everything at debug level", func(t *testing.T) {
			log, text := storetest.NewLog(t, logger.DebugLevel)
			everyLevel(derive(Quiet(log)))
			for _, word := range everyWord {
				require.Contains(t, text.String(), word)
			}
			for _, level := range []string{"level=info", "level=warning", "level=error", "level=fatal"} {
				require.NotContains(t, text.String(), level)
			}
		})
	}
}
