//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
)

var kills = flag.Int("kills", 5, "how often the component is killed under load")

// TestKilledUnderLoad kills the component at random moments, also during its start. One daprd
// keeps running and does not repeat Init. No answer may be wrong.
func TestKilledUnderLoad(t *testing.T) {
	s := newStores(t)
	want := map[string]map[string]string{}
	for i := range 20 {
		guid, password := fmt.Sprintf("guid-%d", i), fmt.Sprintf("%s-%d", canary.Secret, i)
		s.config(t, guid, fmt.Sprintf(`{"credentialSource":"agent","host":"h%d","password":"pw-%d"}`, i, i))
		s.secrets[fmt.Sprintf("pw-%d", i)] = map[string]string{"value": password}
		want[guid] = map[string]string{"credentialSource": "agent", "host": fmt.Sprintf("h%d", i), "password": password}
	}
	s.writeSecrets(t)
	o := harness.ComponentOptions{SocketFolder: socketFolder(t)}
	component := startComponent(t, o)
	daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))

	load := startLoad(t, daprd, want)
	var worst, sum time.Duration
	for i := range *kills {
		killSoon(t, component, 200*time.Millisecond)
		killed := time.Now()
		if i%4 == 0 { // also kill it during its start
			component = launchComponent(t, o)
			killSoon(t, component, 100*time.Millisecond)
			killed = time.Now()
		}
		component = launchComponent(t, o)
		took := load.firstAnswerAfter(t, killed)
		worst, sum = max(worst, took), sum+took
	}
	load.stop()

	t.Logf("%d kills: %d right answers, %d wrong, %d failed while the component was away; first right answer after %v on average, %v at worst",
		*kills, load.right.Load(), load.wrong.Load(), load.failed.Load(), (sum / time.Duration(*kills)).Round(time.Millisecond), worst.Round(time.Millisecond))
	require.Zero(t, load.wrong.Load())
	require.Empty(t, load.surprises(), "want only broken connections as failures")
	require.NoError(t, component.Stop())
}

// killSoon kills a component at a random moment within a time, and waits until it has ended.
func killSoon(t *testing.T, c *harness.Component, within time.Duration) {
	t.Helper()
	time.AfterFunc(rand.N(within), c.Kill)
	<-c.Ended()
	require.ErrorContains(t, c.Stop(), "signal: killed", "the component must not end by itself")
}

// TestTwoDaprdsOverRestarts kills the component of two daprds. Both have a Component named
// "credentials", with separate stores. Each must get its own answers again.
func TestTwoDaprdsOverRestarts(t *testing.T) {
	t.Parallel()
	o := harness.ComponentOptions{SocketFolder: socketFolder(t)}
	component := startComponent(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	asked := map[string]*answers{}
	daprds := map[string]*harness.Daprd{}
	for _, name := range []string{"a", "b"} {
		s := newStores(t)
		s.config(t, "who", `{"it":"`+name+`"}`)
		daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
		daprds[name] = daprd
		asked[name] = hammer(ctx, func() *harness.Daprd { return daprd }, name)
	}
	for range 3 {
		component.Kill()
		component = startComponent(t, o)
		for name, answers := range asked {
			before := answers.right.Load()
			require.Eventually(t, func() bool { return answers.right.Load() > before+10 }, patience, tick, "%s does not answer again", name)
		}
	}
	cancel()
	for name, answers := range asked {
		answers.wait.Wait()
		require.Empty(t, answers.wrong.Load(), "%s saw another's answer", name)
	}

	// When a daprd ends, its records must be removed, and only those.
	files := func() []string {
		paths, err := filepath.Glob(filepath.Join(o.SocketFolder, ".state", "*", "*.json"))
		require.NoError(t, err)
		return paths
	}
	require.Len(t, files(), 2)
	daprds["a"].Kill()
	require.Eventually(t, func() bool { return len(files()) == 1 }, patience, tick)
	r, err := ask(t.Context(), daprds["b"], "credentials", "who")
	require.NoError(t, err)
	require.Equal(t, "b", r.entries["it"], r.message)
}
