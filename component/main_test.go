package component_test

import (
	"testing"

	"go.uber.org/goleak"
)

// A component that was closed leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
