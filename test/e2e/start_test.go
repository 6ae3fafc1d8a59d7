//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/test/harness"
)

// What daprd logs when it has found the component, and when it has not.
const (
	found    = "pluggable component 'credential-resolver' was successfully registered"
	notFound = "couldn't find secret store secretstores.credential-resolver/v1"
	ignored  = "Ignoring error processing component: " // because of ignoreErrors
)

// oneCredential returns stores with the credential "c".
func oneCredential(t *testing.T) *stores {
	t.Helper()
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","host":"h","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "s3cr3t"})
	return s
}

// requireServes requests the credential of oneCredential, which must succeed.
func requireServes(t *testing.T, daprd *harness.Daprd) {
	t.Helper()
	r, err := ask(t.Context(), daprd, "credentials", "c")
	require.NoError(t, err)
	require.Equal(t, "s3cr3t", r.entries["password"], r.message)
}

// TestStartTogether starts both programs at the same time, several times, with the component a
// little earlier or later. daprd must find the component or say that it has not. It must never
// hang, because the socket appears only when it is served.
func TestStartTogether(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	folder := newResourceFolder(t, credentials("credentials", s.metadata(nil)))
	for _, daprdFirst := range []bool{true, false, true, false} {
		sockets := socketFolder(t)
		var daprd *harness.Daprd
		if daprdFirst {
			daprd = launchDaprd(t, sockets, folder)
		}
		launchComponent(t, harness.ComponentOptions{SocketFolder: sockets})
		if !daprdFirst {
			daprd = launchDaprd(t, sockets, folder)
		}
		err := daprd.AwaitReady(t.Context()) // daprd may be ready for a moment before it ends
		require.Eventually(t, func() bool { return contains(daprd, found) || ended(daprd.Process) }, patience, tick, "daprd hangs")
		t.Logf("daprd first: %t, found: %t", daprdFirst, contains(daprd, found))
		if contains(daprd, found) {
			require.NoError(t, err)
			requireServes(t, daprd)
			continue
		}
		requireSaid(t, daprd, notFound)
	}
}

// TestStartTooLate starts the component after daprd, which searches only once.
func TestStartTooLate(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	t.Run("daprd ends", func(t *testing.T) {
		t.Parallel()
		daprd := launchDaprd(t, socketFolder(t), newResourceFolder(t, credentials("credentials", s.metadata(nil))))
		requireEnds(t, daprd.Process, "daprd goes on without its secret store")
		requireSaid(t, daprd, notFound)
	})
	t.Run("with ignoreErrors daprd runs without it, until SIGHUP", func(t *testing.T) {
		t.Parallel()
		r := credentials("credentials", s.metadata(nil))
		r.ignoreErrors = true
		sockets, folder := socketFolder(t), newResourceFolder(t, r)
		daprd := startDaprd(t, sockets, folder)
		requireSaid(t, daprd, notFound)
		requireSaidTimes(t, daprd, 1, ignored)
		startComponent(t, harness.ComponentOptions{SocketFolder: sockets})

		r.metadata["requestTimeout"] = "9s"
		folder.write(t, r)
		require.Eventually(t, func() bool { return count(daprd, ignored) > 1 }, patience, tick,
			"an edited Component has it try again, and not look again")
		side := &sidecar{daprd: daprd}
		requireCode(t, side, "ERR_SECRET_STORES_NOT_CONFIGURED")

		require.NoError(t, daprd.Signal(unix.SIGHUP))
		requireAnswers(t, side)
	})
}
