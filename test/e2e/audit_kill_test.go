//go:build e2e

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestAuditKilledUnderLoad kills the component under load, several times, and starts it on the same
// file. With --audit-required, each answer has its line. Otherwise only the last moment is missing.
func TestAuditKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags []string
		lost  time.Duration // before a kill
	}{
		"without --audit-required": {nil, 2 * time.Second},
		"with --audit-required":    {[]string{"--audit-required"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log := newStores(t), newAuditLog(t)
			o := harness.ComponentOptions{SocketFolder: socketFolder(t), Args: log.flags(test.flags...)}
			component := startComponent(t, o)
			daprd := startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(map[string]any{"cacheTTL": "1h"}))))
			load := newNumbered(t, s, daprd)
			load.start(t)
			var kills []time.Time
			for range 3 {
				load.await(t, 100)
				killSoon(t, component, 200*time.Millisecond)
				kills = append(kills, time.Now())
				component = startComponent(t, o)
			}
			load.await(t, 100)
			load.stop()
			require.NoError(t, component.Stop())

			require.Contains(t, log.verify(t), " 0 lost")
			lines := log.lines(t)
			starts := 0
			for _, line := range lines {
				if line.Event == "start" {
					starts++
				}
			}
			require.Equal(t, 4, starts)
			missing := load.withoutLine(t, lines)
			for _, answered := range missing {
				require.Condition(t, func() bool {
					for _, kill := range kills {
						if lag := kill.Sub(answered); lag >= 0 && lag <= test.lost {
							return true
						}
					}
					return false
				}, "an answer of %v has no line; the component was killed at %v", answered, kills)
			}
			t.Logf("%d answers, of which %d have no line", load.count(), len(missing))
		})
	}
}

// TestAuditOfTornLines ends a file as a crash of the machine may: with part of a line, or with a
// line that lacks its end. The next process must go on, and "audit verify" must accept it.
func TestAuditOfTornLines(t *testing.T) {
	t.Parallel()
	for name, tear := range map[string]func(text []byte) []byte{
		"part of a line":         func(text []byte) []byte { return append(text, `{"audit":1,"seq":9,"time":"2026-01-0`...) },
		"one byte":               func(text []byte) []byte { return append(text, '{') },
		"the last line cut off":  func(text []byte) []byte { return text[:len(text)-40] },
		"the newline is missing": func(text []byte) []byte { return text[:len(text)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log := oneCredential(t), newAuditLog(t)
			o := harness.ComponentOptions{Args: log.flags("--audit-required")}
			side := startSidecar(t, o, credentials("credentials", s.metadata(nil)))
			o.SocketFolder = side.sockets
			requireServes(t, side.daprd)
			side.component.Kill()
			text, err := os.ReadFile(log.path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(log.path, tear(text), 0o600))

			component := startComponent(t, o)
			require.Eventually(t, func() bool {
				r, err := ask(t.Context(), side.daprd, "credentials", "c")
				return err == nil && r.status == 200
			}, patience, tick)
			require.NoError(t, component.Stop())
			out := log.verify(t)
			if name == "the newline is missing" {
				require.NotContains(t, out, "incomplete", "the line is whole")
			} else {
				require.Regexp(t, `audit\.log:\d+: the line is incomplete: the process was killed`, out)
			}
		})
	}
}
