package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

func TestScrubTakesMetadataValuesOut(t *testing.T) {
	tests := map[string]struct {
		text   string
		fields map[string]string
		want   string
	}{
		"one value": {
			"dial tcp: password hunter22 refused",
			map[string]string{"password": "hunter22"},
			"dial tcp: password [redacted] refused",
		},
		"a value that occurs twice": {
			"hunter22, I said hunter22",
			map[string]string{"password": "hunter22"},
			"[redacted], I said [redacted]",
		},
		"the longer of two values first": {
			"at host:6379/hunter22",
			map[string]string{"redisHost": "host:6379/hunter22", "redisPassword": "hunter22"},
			"at [redacted]",
		},
		"a value of four letters": {"by pass", map[string]string{"password": "pass"}, "by [redacted]"},
		"no very short values": {
			"table t is at state",
			map[string]string{"tableName": "t", "x": "at", "y": ""},
			"table t is at state",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Scrub(errors.New(test.text), test.fields)
			require.EqualError(t, err, test.want)
			require.NoError(t, errors.Unwrap(err), "a wrapped error would still contain the value")
		})
	}
}

func TestScrubKeepsARemedyAndTheKindOfAFailure(t *testing.T) {
	remedy := credential.Remedy("set sslmode to require")
	require.Equal(t, remedy, Scrub(remedy, map[string]string{"sslmode": "require"}))
	err := Scrub(Unavailable(errors.New("no host at hunter22")), map[string]string{"host": "hunter22"})
	require.EqualError(t, err, "no host at [redacted]")
	require.ErrorIs(t, err, credential.Unavailable)
	require.ErrorIs(t, Scrub(&credential.StoreError{Kind: credential.Denied}, nil), credential.Denied)
}

func TestSafeErrorTextHoldsNoPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "canary")
	_, missing := os.Open(path)
	tests := map[string]struct {
		err  error
		want string
	}{
		"the system's words":             {missing, "no such file or directory"},
		"the system's words, wrapped":    {fmt.Errorf("opening %s: %w", path, syscall.ECONNREFUSED), "connection refused"},
		"a time limit":                   {fmt.Errorf("dial %s: %w", path, context.DeadlineExceeded), "timed out"},
		"a time limit of the connection": {fmt.Errorf("dial %s: %w", path, os.ErrDeadlineExceeded), "timed out"},
		"words of ours":                  {Unavailable(credential.Remedy("there is no mount")), "there is no mount"},
		"words of ours, as final":        {Permanent(credential.Remedy("the file is not an SQLite database")), "the file is not an SQLite database"},
		"words of ours, and the system's": {
			Explained("the token's file cannot be read", missing), "the token's file cannot be read: no such file or directory",
		},
		"a refusal":                     {&credential.StoreError{Kind: credential.Denied, Err: errors.New(path)}, "access denied"},
		"a store's own words":           {errors.New("no database at " + path), "see the log at debug level"},
		"a store's own words, as final": {Permanent(errors.New(path)), "see the log at debug level"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := SafeWords(test.err)
			require.Equal(t, test.want, got)
			require.NotContains(t, got, "canary")
		})
	}
}
