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

// count returns how often a program has said something.
func count(p interface{ Log() string }, text string) int { return strings.Count(p.Log(), text) }

func contains(p interface{ Log() string }, text string) bool { return count(p, text) > 0 }

// requireSaid waits for a program to have said something, for a pipe takes its
// time; it does not print all that the program has said.
func requireSaid(t *testing.T, p interface{ Log() string }, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return contains(p, text) }, patience, tick, "it has not said %q", text)
}

// requireSaidTimes waits for a program to have said something n times.
func requireSaidTimes(t *testing.T, p interface{ Log() string }, n int, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return count(p, text) >= n }, patience, tick, "it has not said %q %d times", text, n)
	require.Equal(t, n, count(p, text), text)
}

// ended tells whether a program has ended.
func ended(p *harness.Process) bool {
	select {
	case <-p.Ended():
		return true
	default:
		return false
	}
}

// descriptors returns what a process has open: paths, and names such as
// "socket:[4711]".
func descriptors(t *testing.T, p *harness.Process) []string {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", p.Pid())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var targets []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(folder, e.Name())); err == nil { // it may close meanwhile
			targets = append(targets, target)
		}
	}
	return targets
}

// metricsAddress returns an address for --metrics-listen.
func metricsAddress(t *testing.T) string {
	t.Helper()
	ports, err := harness.FreePorts(1)
	require.NoError(t, err)
	return fmt.Sprintf("127.0.0.1:%d", ports[0])
}

// metric returns the value of one of the component's metrics, by its name and
// labels as they are printed; 0 if it is not there.
func metric(t *testing.T, address, name string) float64 {
	t.Helper()
	resp, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for line := range strings.Lines(string(body)) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			require.NoError(t, err)
			return value
		}
	}
	return 0
}
