package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/deps"
)

// An instrumented library of a store would make spans with URLs, and a URL has the name of a
// secret. The binary contains none.
func TestNoLibraryIsInstrumented(t *testing.T) {
	all := deps.Of(t)
	require.Contains(t, all, "go.opentelemetry.io/otel/sdk/trace")
	for _, dep := range all {
		assert.False(t, strings.Contains(dep, "/instrumentation/") || deps.Within(dep, "go.opencensus.io"), dep)
	}
}
