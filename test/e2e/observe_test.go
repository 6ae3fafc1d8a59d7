//go:build e2e

package e2e

import (
	"strings"

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
