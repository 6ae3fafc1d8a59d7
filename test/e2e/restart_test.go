//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

var kills = flag.Int("kills", 5, "how often the component is killed under load")

// TestKilledUnderLoad kills the component at any moment, its start included,
// beside one daprd that is never restarted: daprd does not repeat Init, and every
// answer is right all the same.
func TestKilledUnderLoad(t *testing.T) {
	s := newStores(t)
	want := map[string]map[string]string{}
	for i := range 20 {
		guid, password := fmt.Sprintf("guid-%d", i), fmt.Sprintf("secret-%d", i)
		s.config(t, guid, fmt.Sprintf(`{"credentialSource":"agent","host":"h%d","password":"pw-%d"}`, i, i))
		s.secrets[fmt.Sprintf("pw-%d", i)] = map[string]string{"value": password}
		want[guid] = map[string]string{"credentialSource": "agent", "host": fmt.Sprintf("h%d", i), "password": password}
	}
	s.writeSecrets(t)
	o := harness.ComponentOptions{Binary: resolverBinary(t), SocketFolder: socketFolder(t)}
	component, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { component.Kill() })
	daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))

	load := startLoad(t, daprd, want)
	var worst, sum time.Duration
	for i := range *kills {
		time.Sleep(rand.N(200 * time.Millisecond)) // any moment is what is tested
		killed := time.Now()
		component.Kill()
		if i%4 == 0 { // and once more while it starts
			component, err = harness.LaunchComponent(o)
			require.NoError(t, err)
			time.Sleep(rand.N(100 * time.Millisecond))
			component.Kill()
			killed = time.Now()
		}
		component, err = harness.LaunchComponent(o)
		require.NoError(t, err)
		took := load.firstAnswerAfter(t, killed)
		worst, sum = max(worst, took), sum+took
	}
	load.stop()

	t.Logf("%d kills: %d right answers, %d wrong, %d failed while the component was away; first right answer after %v on average, %v at worst",
		*kills, load.right.Load(), load.wrong.Load(), load.failed.Load(), (sum / time.Duration(*kills)).Round(time.Millisecond), worst.Round(time.Millisecond))
	require.Zero(t, load.wrong.Load())
	require.Empty(t, load.surprises(), "what is not a connection that broke")
	require.NotContains(t, component.Log(), "DATA RACE")
	require.NoError(t, component.Stop())
}

// load asks for credentials all the time, and judges every answer.
type load struct {
	want                 map[string]map[string]string
	cancel               context.CancelFunc
	workers              sync.WaitGroup
	right, wrong, failed atomic.Int64

	mu        sync.Mutex
	asked     time.Time // when the last request that was answered right was made
	unexpects map[string]int
}

func startLoad(t *testing.T, daprd *harness.Daprd, want map[string]map[string]string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{want: want, cancel: cancel, unexpects: map[string]int{}}
	for range 4 {
		l.workers.Go(func() {
			for ctx.Err() == nil {
				for guid, entries := range l.want {
					l.one(ctx, daprd, guid, entries)
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) one(ctx context.Context, daprd *harness.Daprd, guid string, want map[string]string) {
	asked := time.Now()
	r, err := ask(ctx, daprd, "credentials", guid)
	switch {
	case ctx.Err() != nil:
	case err == nil && r.code == "" && maps.Equal(r.entries, want):
		l.right.Add(1)
		l.mu.Lock()
		if asked.After(l.asked) {
			l.asked = asked
		}
		l.mu.Unlock()
	case err == nil && r.code == "":
		l.wrong.Add(1)
	default:
		l.failed.Add(1)
		time.Sleep(time.Millisecond) // an application would not take all of the processor either
		if err != nil || !brokenConnection(r.message) {
			l.mu.Lock()
			l.unexpects[fmt.Sprint(r.message, err)]++
			l.mu.Unlock()
		}
	}
}

// brokenConnection tells whether daprd's own gRPC client made a failure.
func brokenConnection(message string) bool {
	if !strings.Contains(message, "code = Unavailable") {
		return false
	}
	for _, words := range []string{"connection error", "error reading from server", "the connection is draining", "transport is closing"} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// firstAnswerAfter waits for a right answer to a request made after a moment, and
// returns how long after that came.
func (l *load) firstAnswerAfter(t *testing.T, moment time.Time) time.Duration {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.asked.After(moment)
	}, patience, 5*time.Millisecond, "no right answer any more")
	return time.Since(moment)
}

func (l *load) surprises() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unexpects
}

func (l *load) stop() {
	l.cancel()
	l.workers.Wait()
}

// TestStateFolder has the state of an instance where it belongs, for its user
// alone, and gone with its daprd.
func TestStateFolder(t *testing.T) {
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	state := filepath.Join(t.TempDir(), "state")
	side := startSidecar(t, harness.ComponentOptions{StateDir: state}, credentials("credentials", s.metadata(nil)))
	entries, _ := side.get(t, "credentials", "c")
	require.Equal(t, "right", entries["password"])

	files := func() []string {
		paths, err := filepath.Glob(filepath.Join(state, "*", "*"))
		require.NoError(t, err)
		return paths
	}
	require.Len(t, files(), 1)
	info, err := os.Stat(files()[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	side.daprd.Kill()
	require.Eventually(t, func() bool { return len(files()) == 0 }, patience, tick, "it goes with its daprd")
}

// TestWithoutStateFolder shows what users meet where nothing can be remembered.
func TestWithoutStateFolder(t *testing.T) {
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), StateDir: "/proc/none", Binary: resolverBinary(t)}
	first, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	requireSaid(t, first, "--state-dir")
	side := &sidecar{daprd: startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))}
	first.Kill()
	startComponent(t, o)

	var failure string
	require.Eventually(t, func() bool {
		_, failure = side.get(t, "credentials", "c")
		return !brokenConnection(failure)
	}, patience, tick)
	require.Contains(t, failure, "code = Unavailable")
	require.Contains(t, failure, "restart daprd")
	require.Contains(t, failure, "--state-dir")
}

// TestTwoDaprdsOverRestarts kills the component beside two daprds that both have a
// Component named credentials, on stores of their own: each gets its own back.
func TestTwoDaprdsOverRestarts(t *testing.T) {
	t.Parallel()
	o := harness.ComponentOptions{Binary: resolverBinary(t), SocketFolder: socketFolder(t)}
	component, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { component.Kill() })
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
		component, err = harness.StartComponent(t.Context(), o)
		require.NoError(t, err)
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

	// Of what is remembered, each daprd takes its own along.
	files := func() []string {
		paths, err := filepath.Glob(filepath.Join(o.SocketFolder, ".state", "*", "*"))
		require.NoError(t, err)
		return paths
	}
	require.Len(t, files(), 2)
	daprds["a"].Kill()
	require.Eventually(t, func() bool { return len(files()) == 1 }, patience, tick)
	r, err := ask(t.Context(), daprds["b"], "credentials", "who")
	require.NoError(t, err)
	require.Equal(t, "b", r.entries["it"], r.message)
	require.NoError(t, component.Stop())
}
