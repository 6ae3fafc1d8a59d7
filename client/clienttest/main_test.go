package clienttest_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A closed sidecar must leave no goroutine behind, so that an application's test can check for
// leaks of its own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
