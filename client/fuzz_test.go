package client_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/client"
)

// FuzzFailure classifies errors with arbitrary text, names and codes. Each must become exactly
// one kind. The result's text must be one line, and may contain only fixed texts and what the
// component's own format allows.
func FuzzFailure(f *testing.F) {
	f.Add("g", "rpc error: code = NotFound desc = credential \"g\": no such credential", uint32(codes.Internal))
	f.Add("code = NotFound", "rpc error: code = Unavailable desc = x", uint32(codes.Internal))
	f.Add("g", "secret g not found", uint32(codes.Unknown))
	f.Add("g", `{"errorCode":"x","message":"rpc error"}`, uint32(codes.Unknown))
	f.Add("g", "context deadline exceeded", uint32(codes.DeadlineExceeded))
	f.Fuzz(func(t *testing.T, key, words string, code uint32) {
		if key == "" {
			key = "g"
		}
		text := got("secretstore", key, words)
		for _, err := range []error{
			status.Error(codes.Code(code%17), text), errors.New(text), status.Error(codes.Code(code%17), words), errors.New(words),
		} {
			_, failure := client.New(answering(nil, err), client.Options{}).GetSecret(t.Context(), key, "")
			if err == nil { // a status with code OK is no error
				require.NoError(t, failure)
				continue
			}
			var e *client.Error
			require.ErrorAs(t, failure, &e)
			require.ErrorIs(t, failure, client.ErrResolution)
			require.NotEqual(t, codes.OK, e.Code)
			require.NotEqual(t, codes.Canceled, e.Code, "the caller did not cancel")
			means := 0
			for _, kind := range meanings() {
				if errors.Is(failure, kind) {
					means++
				}
			}
			require.Equal(t, 1, means)
			require.Negative(t, strings.IndexFunc(e.Error(), func(r rune) bool { return !unicode.IsPrint(r) }), "%q", e.Error())
			if !strings.Contains(words, "desc = credential") {
				assert.Contains(t, fixedReasons(), e.Reason)
			}
			if e.GUID != "" {
				require.Equal(t, key, e.GUID)
			}
		}
	})
}

// fixedReasons returns the texts of package client itself.
func fixedReasons() []string {
	return []string{
		"no such secret", "daprd has no such secret store", "daprd's scopes do not allow it",
		"the secret store refused the request", "the secret store, or daprd, is unavailable",
		"the secret store did not answer in time", "daprd did not answer in time", "the secret store failed",
	}
}
