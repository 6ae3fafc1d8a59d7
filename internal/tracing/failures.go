package tracing

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/status"

	"github.com/dapr/kit/logger"
)

// failureInterval is the shortest time between two log lines about spans that are lost.
const failureInterval = time.Minute

// lost logs that spans could not be sent, at most once in an interval. The log has only fixed
// words at levels above debug, because a receiver's own words may be anything.
type lost struct {
	log   logger.Logger
	lines rate.Sometimes
}

var _ otel.ErrorHandler = (*lost)(nil)

func newLost(log logger.Logger) *lost {
	return &lost{log: log, lines: rate.Sometimes{Interval: failureInterval}}
}

// Handle implements otel.ErrorHandler.
func (l *lost) Handle(err error) {
	l.lines.Do(func() {
		l.log.Warnf("traces are lost: %s (logged at most once a minute)", words(err))
		l.log.Debugf("traces are lost: %.500q", err.Error())
	})
}

// httpStatus finds the status of an answer in the text of an error, which has no type.
var httpStatus = regexp.MustCompile(`failed to send to \S+: ([1-5][0-9]{2}) `)

// words describes a failure in fixed words.
func words(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the receiver did not answer in time"
	}
	if s, ok := status.FromError(err); ok {
		return "gRPC code " + s.Code().String()
	}
	if found := httpStatus.FindStringSubmatch(err.Error()); found != nil {
		return "the receiver answered with HTTP status " + found[1]
	}
	return "see the log at debug level"
}

// complaints logs what the exporter says about its variables. Its messages are fixed words. The
// attributes beside them are dropped: they have the values, such as a password in a header.
type complaints struct{ log logger.Logger }

var _ slog.Handler = complaints{}

// Enabled implements slog.Handler.
func (complaints) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// Handle implements slog.Handler.
func (c complaints) Handle(_ context.Context, record slog.Record) error {
	c.log.Warnf("an OTEL_ variable of the environment is ignored: %s failed", record.Message)
	return nil
}

// WithAttrs implements slog.Handler.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c complaints) WithGroup(string) slog.Handler { return c }
