package component_test

import (
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/internal/owned/ownedtest"
)

// A closed component must leave no goroutine behind.
func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	goleak.VerifyTestMain(m)
}
