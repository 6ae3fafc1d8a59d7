package kubernetes

import (
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/internal/owned/ownedtest"
)

// A store that was closed leaves no goroutine behind, whatever it went through.
func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	goleak.VerifyTestMain(m)
}
