//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// count returns how often a program has said something.
func count(p interface{ Log() string }, text string) int { return strings.Count(p.Log(), text) }

func contains(p interface{ Log() string }, text string) bool { return count(p, text) > 0 }

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
