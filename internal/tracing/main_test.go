package tracing_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Without a receiver, and after stop, nothing runs.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
