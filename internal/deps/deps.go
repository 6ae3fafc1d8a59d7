// Package deps tells tests what a package is made of, so that they can hold the layers
// of DESIGN.md, section 6.
package deps

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of returns the packages that the one in the test's folder is built from, itself
// included, tests not.
func Of(t *testing.T) []string {
	t.Helper()
	var stderr strings.Builder
	list := exec.Command("go", "list", "-deps", ".")
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	return strings.Fields(string(out))
}

// Within tells whether a package is one of those that are named, or below one.
func Within(pkg string, trees ...string) bool {
	for _, tree := range trees {
		if pkg == tree || strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	return false
}
