package store

import "github.com/dapr/kit/logger"

// quiet is the logger that a store gets. A store's own messages may contain names of secrets
// and paths, so all of them go to debug level. A fatal message does not end the process.
type quiet struct{ logger.Logger }

var _ logger.Logger = quiet{}

func (q quiet) Info(args ...any)                  { q.Debug(args...) }
func (q quiet) Infof(format string, args ...any)  { q.Debugf(format, args...) }
func (q quiet) Warn(args ...any)                  { q.Debug(args...) }
func (q quiet) Warnf(format string, args ...any)  { q.Debugf(format, args...) }
func (q quiet) Error(args ...any)                 { q.Debug(args...) }
func (q quiet) Errorf(format string, args ...any) { q.Debugf(format, args...) }
func (q quiet) Fatal(args ...any)                 { q.Debug(args...) }
func (q quiet) Fatalf(format string, args ...any) { q.Debugf(format, args...) }

// Quiet returns a logger for a store, which logs everything at debug level.
func Quiet(log logger.Logger) logger.Logger { return quiet{log} }

// Aloud returns the logger that Quiet wrapped, for our own messages, which contain no names.
func Aloud(log logger.Logger) logger.Logger {
	if q, ok := log.(quiet); ok {
		return q.Logger
	}
	return log
}

// WithFields implements logger.Logger.
func (q quiet) WithFields(fields map[string]any) logger.Logger {
	return quiet{q.Logger.WithFields(fields)}
}

// WithLogType implements logger.Logger.
func (q quiet) WithLogType(logType string) logger.Logger {
	return quiet{q.Logger.WithLogType(logType)}
}
