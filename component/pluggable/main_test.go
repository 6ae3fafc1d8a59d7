package pluggable_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/owned/ownedtest"
)

func TestMain(m *testing.M) {
	if pluggable.IsChild() {
		os.Exit(child())
	}
	ownedtest.SetUmask()
	goleak.VerifyTestMain(m)
}
