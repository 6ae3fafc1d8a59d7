//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestWrongEdit makes a Component wrong while daprd runs. daprd ends, or with ignoreErrors runs
// without the store, because it has already closed the old one. The component must keep running
// and serve the next valid Component.
func TestWrongEdit(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	wrong := credentials("credentials", s.metadata(map[string]any{"configKy": "{guid}"}))
	right := credentials("credentials", s.metadata(nil))
	const said = `metadata configKy: is unknown`

	t.Run("daprd ends", func(t *testing.T) {
		t.Parallel()
		side := startSidecar(t, harness.ComponentOptions{}, right)
		requireServes(t, side.daprd)
		side.folder.write(t, wrong)
		requireEnds(t, side.daprd.Process, "daprd goes on with a Component that became wrong")
		requireSaid(t, side.daprd, said)

		side.folder.write(t, right)
		requireServes(t, startDaprd(t, side.sockets, side.folder))
	})
	t.Run("with ignoreErrors daprd runs without it", func(t *testing.T) {
		t.Parallel()
		wrong, right := wrong, right
		wrong.ignoreErrors, right.ignoreErrors = true, true
		side := startSidecar(t, harness.ComponentOptions{}, right)
		requireServes(t, side.daprd)
		side.folder.write(t, wrong)
		requireCode(t, side, "ERR_SECRET_STORES_NOT_CONFIGURED")
		requireSaid(t, side.daprd, said)

		side.folder.write(t, right)
		requireAnswers(t, side)
	})
	t.Run("a file that is not YAML removes the store", func(t *testing.T) {
		t.Parallel()
		side := startSidecar(t, harness.ComponentOptions{}, right)
		side.folder.writeFile(t, "credentials.yaml", "kind: Component\n\tno YAML")
		requireCode(t, side, "ERR_SECRET_STORES_NOT_CONFIGURED")
		side.folder.write(t, right)
		requireAnswers(t, side)
	})
}

// requireCode waits until daprd answers with an error code of its own.
func requireCode(t *testing.T, side *sidecar, code string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		r, err := ask(t.Context(), side.daprd, "credentials", "c")
		require.NoError(c, err)
		require.Equal(c, code, r.code)
	}, patience, tick)
}

// requireAnswers waits for the credential of oneCredential.
func requireAnswers(t *testing.T, side *sidecar) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		r, err := ask(t.Context(), side.daprd, "credentials", "c")
		require.NoError(c, err)
		require.Equal(c, "s3cr3t", r.entries["password"], r.message)
	}, patience, tick)
}
