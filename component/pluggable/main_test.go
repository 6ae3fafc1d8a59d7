package pluggable_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/component/pluggable"
)

func TestMain(m *testing.M) {
	if pluggable.IsChild() {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}
