package pluggable_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
)

func TestTheSocketsModeIsChosenAndTheUmaskIsLeftAlone(t *testing.T) {
	cases := map[string]struct{ chosen, want fs.FileMode }{
		"owner and group by default": {0, 0o660},
		"a narrower one":             {0o600, 0o600},
		"one that no umask allows":   {0o666, 0o666},
	}
	before := umask(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &echoes{}, func(o *pluggable.Options) { o.SocketMode = tc.chosen })
			info, err := os.Lstat(s.socket)
			require.NoError(t, err)
			assert.Equal(t, fs.ModeSocket|tc.want, info.Mode())
			assert.Equal(t, before, umask(t))
			assertEchoes(t, initialise(t, s, "c", nil))
		})
	}
}

// umask reads what cannot be read by umask(2) without being changed.
func umask(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "Umask:")
	require.True(t, found)
	mask, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(mask)
}
