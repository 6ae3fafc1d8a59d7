package clienttest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A sidecar that was closed leaves nothing behind: a test that uses one may look for
// leaks of its own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
