//go:build !docs

package docs

import "testing"

// helpOfDaprd returns no help: only make docs-check builds daprd first.
func helpOfDaprd(*testing.T) string { return "" }
