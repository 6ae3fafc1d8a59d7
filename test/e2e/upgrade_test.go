//go:build e2e

package e2e

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	from   = flag.String("from", "", "the binary of the version to upgrade from and to roll back to; empty means bin/credential-resolver")
	record = flag.String("record", "", "write the files of the version of -from into this folder of testdata/takeover")
)

// TestUpgrade replaces the binary while daprd runs: by the one of this commit, back, and forth
// again. Each time, daprd must get its answers without an Init and while the secret store is
// down, and the database must be complete.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, encrypted := range map[string]bool{"in memory": false, "encrypted on a disk": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := *from, resolverBinary(t)
			if before == "" {
				before = binary(t, "", "credential-resolver")
			}
			d := newDeployment(t, "testdata/upgrade", encrypted)
			want, guids := d.fill(t, before)
			if *record != "" {
				d.record(t, encrypted, want)
			}
			for _, step := range []struct{ name, binary string }{
				{"upgrade", after}, {"roll back", before}, {"upgrade again", after},
			} {
				d.hideSecrets(t)
				d.start(t, step.binary)
				require.Equal(t, want, d.credentials(t, guids...), step.name)
				d.showSecrets(t)

				later := "after-" + strings.ReplaceAll(step.name, " ", "-")
				d.command(t, "put", "--guid", later, d.path("single.json"))
				guids = append(guids, later)
				want[later] = want["single"]
				require.Equal(t, want, d.credentials(t, guids...), step.name)
				require.ElementsMatch(t, guids, d.guids(t), step.name)
				d.awaitAnswers(t, len(guids))
				require.NoError(t, d.component.Stop())
			}
		})
	}
}

// fill stores the configs with a binary, runs it until daprd has all credentials, and stops it.
// It returns the answers.
func (d *deployment) fill(t *testing.T, binary string) (want map[string]map[string]string, guids []string) {
	t.Helper()
	d.copyFiles(t, "testdata/upgrade/configs")
	d.start(t, binary)
	for _, guid := range []string{"agent", "direct", "single"} {
		d.command(t, "put", "--guid", guid, d.path(guid+".json"))
		guids = append(guids, guid)
	}
	require.Equal(t, guids, d.guids(t))
	d.startDaprd(t)
	want = d.credentials(t, guids...)
	require.Equal(t, "fake-password", want["agent"]["password"])
	require.Equal(t, "fake-direct-password", want["direct"]["password"])
	require.Equal(t, "12345678901234567890", want["direct"]["port"])
	require.Equal(t, "fake-single-password", want["single"]["password"])
	if len(d.files(t, "answers")) > 0 { // the oldest versions keep none
		d.awaitAnswers(t, len(guids))
	}
	require.NoError(t, d.component.Stop())
	return want, guids
}
