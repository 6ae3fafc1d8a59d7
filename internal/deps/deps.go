// Package deps lists a package's dependencies for tests that check the layers of DESIGN.md,
// section 6.
package deps

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of returns the package in the test's folder and all its dependencies, without those of
// tests.
func Of(t *testing.T) []string {
	t.Helper()
	var stderr strings.Builder
	list := exec.Command("go", "list", "-deps", ".")
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	return strings.Fields(string(out))
}

// Within reports whether a package is one of the given packages, or below one of them.
func Within(pkg string, trees ...string) bool {
	for _, tree := range trees {
		if pkg == tree || strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	return false
}
