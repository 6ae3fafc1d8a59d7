package cli

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheBarShowsHowFarACommandIs(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1, 0)
	p := &progress{out: &out, now: func() time.Time { return now }}
	p.set(25, 100)
	assert.Equal(t, "\r\x1b[K██████░░░░░░░░░░░░░░░░░░  25%  25 of 100 credentials", out.String())
	out.Reset()
	now = now.Add(progressInterval - 1)
	p.set(26, 100)
	assert.Empty(t, out.String(), "too soon")
	p.clear()
	assert.Equal(t, "\r\x1b[K", out.String())
	out.Reset()
	p.clear()
	assert.Empty(t, out.String(), "it is cleared already")
	p.set(100, 100)
	assert.Empty(t, out.String(), "a short run shows no bar")
	p.set(99, 100)
	assert.Contains(t, out.String(), "███████████████████████░  99%  99 of 100 credentials")
	p.set(0, 0)
}

func TestNoBarIsShownOffATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/err")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	p := newProgress(file)
	p.set(1, 2)
	p.clear()
	info, err := file.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size())
}

func TestColoursFollowTheEnvironment(t *testing.T) {
	for _, row := range []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"no terminal", nil, false},
		{"forced", map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"not forced", map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"NO_COLOR is stronger", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
		{"an empty NO_COLOR counts as unset", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, name := range []string{"CLICOLOR_FORCE", "NO_COLOR", "TERM"} {
				t.Setenv(name, row.env[name])
			}
			assert.Equal(t, row.want, styleFor(&bytes.Buffer{}).on)
		})
	}
	on := style{on: true}
	assert.Equal(t, "\x1b[1;31mx\x1b[0m", on.red("x"))
	assert.Empty(t, on.red(""))
	assert.Equal(t, "x", style{}.red("x"))
	assert.Equal(t, "\x1b[1mGUID  X\x1b[0m\nGUIDS\n", on.headings("GUID  X\nGUIDS\n", "GUID"))
}

// The words of a store must not control the terminal.
func TestInvisibleCharactersAreEscaped(t *testing.T) {
	assert.Equal(t, `a\x1b[31m"é\n`, visible("a\x1b[31m\"é\n"))
}
