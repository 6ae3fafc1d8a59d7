//go:build deploy

package deploy

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnitsExposureIsBounded has systemd rate the unit, from 0 (confined) to 10. The threshold is in
// tenths.
func TestUnitsExposureIsBounded(t *testing.T) {
	rate := func(threshold string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold="+threshold,
			"../../deploy/systemd/credential-resolver.service").CombinedOutput()
		return string(out), err
	}
	out, err := rate("14")
	require.NoError(t, err, out)
	_, err = rate("5")
	require.Error(t, err, "systemd-analyze must compare with the threshold")
}
