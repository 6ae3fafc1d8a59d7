//go:build e2e && (stores || cloud)

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// requireLeavesNoConnection edits Components, requests their credentials with ask after each
// edit, and ends daprd. Then the component must have no connection to the server.
func requireLeavesNoConnection(t *testing.T, address string, ask func(side *sidecar), resources ...resource) {
	t.Helper()
	side := startSidecar(t, harness.ComponentOptions{Args: []string{"--allow-core-dumps"}}, resources...) // the test reads its file descriptors
	ask(side)
	require.NotZero(t, connectionsTo(t, side.component.Process, address))
	for edit := 1; edit <= 3; edit++ {
		for _, r := range resources {
			r.metadata = maps.Clone(r.metadata)
			r.metadata["staleIfError"] = fmt.Sprintf("%dm", edit)
			side.folder.write(t, r)
		}
		require.Eventually(t, func() bool {
			return count(side.daprd, "Component updated: ") >= edit*len(resources)
		}, patience, tick)
		ask(side)
	}
	before := connectionsTo(t, side.component.Process, address)
	side.daprd.Kill()
	require.Eventually(t, func() bool { return connectionsTo(t, side.component.Process, address) == 0 }, patience, tick,
		"connections stay open")
	t.Logf("%d connections before daprd ended, none after", before)
}

// requireEntry waits for a value of an entry of a credential.
func requireEntry(t *testing.T, side *sidecar, store, guid, entry, want string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		r, err := ask(t.Context(), side.daprd, store, guid)
		require.NoError(c, err)
		require.Equal(c, want, r.entries[entry], r.message)
	}, patience, tick)
}

// connectionsTo returns the number of connections of a process to a server on 127.0.0.1.
func connectionsTo(t *testing.T, p *harness.Process, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	number, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	open, n := descriptors(t, p), 0
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", p.Pid(), table))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			columns := strings.Fields(line)
			if len(columns) > 9 && strings.HasSuffix(columns[2], fmt.Sprintf(":%04X", number)) &&
				slices.Contains(open, "socket:["+columns[9]+"]") {
				n++
			}
		}
	}
	return n
}
