package wirelimit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/wirelimit"
)

// answering is a server that answers each request with one text.
type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// open returns the body of an answer, which nobody has read yet.
func open(t *testing.T, ctx context.Context, room *wirelimit.Room, text string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server", nil)
	require.NoError(t, err)
	resp, err := (&wirelimit.Transport{RoundTripper: answering(text), Room: room}).RoundTrip(req)
	require.NoError(t, err)
	return resp.Body
}

func TestBodyOfAnAnswerIsBounded(t *testing.T) {
	many := strings.Repeat(",", 200_000)
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"as large as may be":           {strings.Repeat(" ", wirelimit.MaxBody), nil},
		"a byte more":                  {strings.Repeat(" ", wirelimit.MaxBody+1), wirelimit.ErrTooLarge},
		"many elements":                {"[" + many + "]", wirelimit.ErrTooLarge},
		"commas in a string":           {`["` + many + `"]`, nil},
		"commas after a quoted quote":  {`["\"` + many + `"]`, nil},
		"elements after an odd string": {`["\\"` + many + `]`, wirelimit.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			body := open(t, t.Context(), wirelimit.NewRoom(wirelimit.RoomSize), test.text)
			got, err := io.ReadAll(body)
			require.ErrorIs(t, err, test.want)
			if test.want == nil {
				require.Equal(t, len(test.text), len(got))
			}
			require.NoError(t, body.Close())
		})
	}
}

func TestLargeBodyIsReadWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat(" ", 1<<20)
		room := wirelimit.NewRoom(wirelimit.RoomSize)
		first := open(t, t.Context(), room, large)
		_, err := io.ReadAll(first)
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = io.ReadAll(open(t, ctx, room, large))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = io.ReadAll(open(t, t.Context(), room, "{}"))
		require.NoError(t, err, "a small one needs none")

		got := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(open(t, t.Context(), room, large))
			got <- err
		}()
		synctest.Wait()
		require.Empty(t, got)
		require.NoError(t, first.Close())
		require.NoError(t, <-got)
	})
}

func TestHeaderAndBuffersOfAnAnswerAreBounded(t *testing.T) {
	var transport http.Transport
	wirelimit.Tighten(&transport)
	require.EqualValues(t, 64<<10, transport.MaxResponseHeaderBytes)
	require.Equal(t, 64<<10, transport.HTTP2.MaxReceiveBufferPerStream)
	require.Equal(t, 1<<20, transport.HTTP2.MaxReceiveBufferPerConnection)
}
