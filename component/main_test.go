package component_test

import (
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/internal/owned/ownedtest"
)

// A component that was closed leaves no goroutine behind, but what is cached may
// outlive it, and goes from memory in its time.
func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/maypok86/otter/v2.periodicCleanUp[...]"))
}
