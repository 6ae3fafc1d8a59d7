package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// limited returns a guard that only limits the time of an attempt.
func limited(timeout time.Duration) *guard { return newGuard(Limits{Timeout: timeout}, "", nil) }

func TestBoundedCallAnswersWhatTheStoreAnswers(t *testing.T) {
	got, err := bounded(context.Background(), limited(storetest.Long), func(context.Context) (string, error) { return "v", nil })
	require.NoError(t, err)
	require.Equal(t, "v", got)
}

func TestBoundedCallReturnsTheStoresErrorAsItIs(t *testing.T) {
	own := Absent()
	_, err := bounded(context.Background(), limited(storetest.Long), func(context.Context) (string, error) { return "", own })
	require.Same(t, own, err)
}

func TestBoundedCallGivesTheStoreADeadline(t *testing.T) {
	_, err := bounded(context.Background(), limited(storetest.Long), func(ctx context.Context) (string, error) {
		if _, ok := ctx.Deadline(); !ok {
			return "", errors.New("no deadline")
		}
		return "", nil
	})
	require.NoError(t, err)
}

func TestCallThatIgnoresItsContextIsLeftBehindAtTheLimit(t *testing.T) {
	release, left := make(chan struct{}), make(chan struct{})
	_, err := bounded(context.Background(), limited(time.Millisecond), func(context.Context) (string, error) {
		defer close(left)
		<-release
		return "too late", nil
	})
	storetest.RequireKind(t, credential.Timeout, err)
	close(release)
	<-left
}

func TestCallEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	release := make(chan struct{})
	defer close(release)
	_, err := bounded(ctx, limited(storetest.Long), func(context.Context) (string, error) {
		cancel()
		<-release
		return "", nil
	})
	storetest.RequireKind(t, credential.Timeout, err)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPanicInACallIsThatCallsInternalError(t *testing.T) {
	const canary = "canary-in-the-panic"
	_, err := bounded(context.Background(), limited(storetest.Long), func(context.Context) (string, error) { panic(canary) })
	storetest.RequireKind(t, credential.Internal, err)
	require.NotContains(t, fmt.Sprintf("%+v %v", err, errors.Unwrap(err)), canary)
}

func TestFailureOfAStoreIsClassified(t *testing.T) {
	tests := map[string]struct {
		err  error
		want credential.Kind
	}{
		"out of time":                              {context.DeadlineExceeded, credential.Timeout},
		"out of time, wrapped":                     {fmt.Errorf("get: %w", context.DeadlineExceeded), credential.Timeout},
		"refused by the file system":               {fmt.Errorf("x: %w", &fs.PathError{Op: "open", Err: syscall.EACCES}), credential.Unavailable},
		"not permitted by the system":              {fmt.Errorf("x: %w", syscall.EPERM), credential.Unavailable},
		"a missing file is a failure of the store": {os.ErrNotExist, credential.Unavailable},
		"the store's own text":                     {errors.New("secret not found"), credential.Unavailable},
		"cancelled":                                {context.Canceled, credential.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Failed(test.err)
			storetest.RequireKind(t, test.want, err)
			require.ErrorIs(t, err, test.err)
			require.False(t, Missing(err))
		})
	}
}

func TestFailureToWriteALocalFileIsClassified(t *testing.T) {
	for cause, want := range map[error]credential.Kind{
		syscall.EACCES: credential.Denied, syscall.EPERM: credential.Denied, syscall.ENOSPC: credential.Unavailable,
	} {
		err := FailedWrite(&fs.PathError{Op: "open", Err: cause})
		storetest.RequireKind(t, want, err, "%v", cause)
		require.Equal(t, want == credential.Denied, storetest.IsGeneral(err))
	}
}

// The URL of a request has the name of the secret in it.
func TestRequestWithoutAnAnswerIsClassified(t *testing.T) {
	other := errors.New("no answer of this server's")
	inURL := func(err error) error {
		return fmt.Errorf("asking: %w", &url.Error{Op: "Get", URL: "https://host/canary", Err: err})
	}
	for name, test := range map[string]struct {
		err, is error
		want    credential.Kind
	}{
		"refused":                   {inURL(syscall.ECONNREFUSED), syscall.ECONNREFUSED, credential.Unavailable},
		"out of time":               {inURL(context.DeadlineExceeded), context.DeadlineExceeded, credential.Timeout},
		"out of time on the way":    {inURL(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), os.ErrDeadlineExceeded, credential.Timeout},
		"called off":                {inURL(context.Canceled), context.Canceled, credential.Unavailable},
		"an answer, but not theirs": {errors.New("canary"), other, credential.Unavailable},
		"an answer that is quoted":  {inURL(fmt.Errorf("malformed MIME header line: %q", "Location /canary")), other, credential.Unavailable},
		"a URL in a URL":            {inURL(inURL(io.EOF)), io.EOF, credential.Unavailable},
		"broken off":                {inURL(fmt.Errorf("http: %w", io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF, credential.Unavailable},
		"another protocol":          {inURL(http.ErrSchemeMismatch), http.ErrSchemeMismatch, credential.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			err := Unanswered(test.err, other)
			storetest.RequireKind(t, test.want, err)
			require.ErrorIs(t, err, test.is)
			require.NotContains(t, errors.Unwrap(err).Error(), "canary")
		})
	}
}

func TestMissingIsToldFromFailing(t *testing.T) {
	require.True(t, Missing(Absent()))
	require.True(t, Missing(fmt.Errorf("get: %w", Absent())))
	require.False(t, Missing(nil))
	require.False(t, Missing(errors.New("not there")))
	require.False(t, Missing(fs.ErrNotExist))
}
