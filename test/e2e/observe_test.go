//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// count returns how often a text is in a program's log.
func count(p interface{ Log() string }, text string) int { return strings.Count(p.Log(), text) }

func contains(p interface{ Log() string }, text string) bool { return count(p, text) > 0 }

// requireSaid waits until a text is in a program's log, because the log comes through a pipe. A
// failure does not print the whole log.
func requireSaid(t *testing.T, p interface{ Log() string }, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return contains(p, text) }, patience, tick, "want %q in the log", text)
}

// requireSaidTimes waits until a text is in a program's log n times.
func requireSaidTimes(t *testing.T, p interface{ Log() string }, n int, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return count(p, text) >= n }, patience, tick, "want %q in the log %d times", text, n)
	require.Equal(t, n, count(p, text), text)
}

// ended reports whether a program has ended.
func ended(p *harness.Process) bool {
	select {
	case <-p.Ended():
		return true
	default:
		return false
	}
}

// descriptors returns the open files of a process: paths, and names such as "socket:[4711]".
func descriptors(t *testing.T, p *harness.Process) []string {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", p.Pid())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var targets []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(folder, e.Name())); err == nil { // the descriptor may close in the meantime
			targets = append(targets, target)
		}
	}
	return targets
}

// metric returns the value of one of the component's metrics, or 0 if it does not exist. name may
// include labels, as they are printed. It adds up the lines that differ in other labels.
func metric(t *testing.T, address, name string) float64 {
	t.Helper()
	resp, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	name, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	sum := 0.0
	for line := range strings.Lines(string(body)) {
		series, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if of, has, _ := strings.Cut(series, "{"); of == name && strings.Contains(has, labels) {
			value, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			sum += value
		}
	}
	return sum
}
