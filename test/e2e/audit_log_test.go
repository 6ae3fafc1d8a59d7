//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// auditLog is an audit log that components write, one after another.
type auditLog struct{ path, key string }

// newAuditLog returns an audit log in a folder that does not exist yet.
func newAuditLog(t *testing.T) *auditLog {
	t.Helper()
	return auditLogIn(t, filepath.Join(socketFolder(t), "audit"))
}

// auditLogIn returns an audit log in a folder.
func auditLogIn(t *testing.T, folder string) *auditLog {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	l := &auditLog{filepath.Join(folder, "audit.log"), filepath.Join(t.TempDir(), "audit.key")}
	require.NoError(t, os.WriteFile(l.key, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	return l
}

// flags returns the flags of serve for the audit log, and more.
func (l *auditLog) flags(more ...string) []string {
	return append([]string{"--audit-log", l.path, "--audit-key-file", l.key}, more...)
}

// command runs a command of the binary with the key, and returns what it prints.
func (l *auditLog) command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(resolverBinary(t), append(args, "--key-file", l.key)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// verify runs "audit verify" on rotated files, the oldest first, and the log. It must find that
// all is as it was written. It returns what the command prints.
func (l *auditLog) verify(t *testing.T, rotated ...string) string {
	t.Helper()
	out := l.command(t, append(append([]string{"audit", "verify"}, rotated...), l.path)...)
	require.Contains(t, out, "ok: ")
	return out
}

// auditLine is a line of an audit log.
type auditLine struct {
	Event, Component, Instance string
	UID, PID                   *int
	Method, GUID               string
	Bulk                       bool
	Outcome, Code              string
	Fields                     []string
	Cache, Source, Mode        string
	Secrets                    []auditSecret
	Store, Fingerprint         string
	TookMicros                 *int
	Process, Lost              int
}

// auditSecret is a secret in a line.
type auditSecret struct{ Hash, Store, Outcome string }

// lines returns the complete lines of files, and of the log.
func (l *auditLog) lines(t *testing.T, rotated ...string) []auditLine {
	t.Helper()
	var lines []auditLine
	for _, path := range append(rotated, l.path) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for one := range bytes.Lines(text) {
			var line auditLine
			if json.Unmarshal(one, &line) == nil {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// numbered are requests that differ in the field that they ask for. So a request has a line of
// its own in the audit log.
type numbered struct {
	daprd  *harness.Daprd
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	next     int
	answered map[int]time.Time // when the answer arrived
	failures map[string]int
}

// Of the credentials of numbered requests: a credential with too many fields is slow.
const (
	numberedCredentials = 20
	numberedFields      = 1000
)

// newNumbered fills stores with the credentials of numbered requests.
func newNumbered(t *testing.T, s *stores, daprd *harness.Daprd) *numbered {
	t.Helper()
	var fields []string
	for i := range numberedFields {
		fields = append(fields, fmt.Sprintf(`"n%d":"v%d"`, i, i))
	}
	for i := range numberedCredentials {
		s.config(t, "numbered-"+strconv.Itoa(i), "{"+strings.Join(fields, ",")+"}")
	}
	return &numbered{daprd: daprd, answered: map[int]time.Time{}, failures: map[string]int{}}
}

// one sends the next request, and returns the message of its failure.
func (n *numbered) one(ctx context.Context) (failure string) {
	n.mu.Lock()
	i := n.next
	n.next++
	n.mu.Unlock()
	field := "n" + strconv.Itoa(i%numberedFields)
	guid := "numbered-" + strconv.Itoa(i/numberedFields%numberedCredentials)
	r, err := ask(ctx, n.daprd, "credentials", guid, "fields="+field)
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err == nil && r.entries[field] == "v"+field[1:]:
		n.answered[i] = time.Now()
	case err != nil:
		failure = err.Error()
	default:
		failure = r.message
	}
	if failure != "" {
		n.failures[failure]++
	}
	return failure
}

// start sends requests until stop is called.
func (n *numbered) start(t *testing.T) {
	t.Helper()
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(t.Context())
	pace := time.NewTicker(2 * time.Millisecond)
	for range 4 {
		n.wait.Go(func() {
			for ctx.Err() == nil {
				<-pace.C
				n.one(ctx)
			}
		})
	}
	t.Cleanup(func() {
		n.stop()
		pace.Stop()
	})
}

func (n *numbered) stop() {
	n.cancel()
	n.wait.Wait()
}

// count returns the number of answers so far.
func (n *numbered) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.answered)
}

// await waits for more answers.
func (n *numbered) await(t *testing.T, more int) {
	t.Helper()
	want := n.count() + more
	require.Eventually(t, func() bool { return n.count() >= want }, patience, tick)
}

// withoutLine returns when the requests were answered that have no line, and requires that none
// has two.
func (n *numbered) withoutLine(t *testing.T, lines []auditLine) []time.Time {
	t.Helper()
	require.Less(t, n.next, numberedCredentials*numberedFields, "numbers must not repeat")
	found := map[string]int{}
	for _, line := range lines {
		if line.Outcome == "answered" && strings.HasPrefix(line.GUID, "numbered-") {
			found[line.GUID+" "+line.Fields[0]]++
		}
	}
	var missing []time.Time
	for i, at := range n.answered {
		switch found[fmt.Sprintf("numbered-%d n%d", i/numberedFields, i%numberedFields)] {
		case 0:
			missing = append(missing, at)
		case 1:
		default:
			require.Fail(t, "a request has two lines", i)
		}
	}
	return missing
}
