//go:build e2e && stores && linux

// Package lying runs the client of each store against a server that lies, and measures the
// client's memory from outside.
package lying

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/lying/report"
)

// most is the most memory that a lying server may cost, in bytes.
const most = 64 << 20

// storm is a number of connections that is too high for one call.
const storm = 24

// rounds is how many calls each of the client's 64 callers makes while the server lies. If the
// store is not connected, one call is enough, because it waits for the connection.
func rounds(w when) int {
	if w == atOnce {
		return 1
	}
	return 2
}

// measured names a client of another version. Its memory is then measured but not checked.
var measured = os.Getenv("LYING_CLIENT")

// store is a type of store, and a server that speaks its protocol.
type store struct {
	name    string // of the subtest; "" means the type
	kind    string
	secrets bool
	server  protocol
	fields  func(t *testing.T, s store, address string) map[string]string
	lies    []lie
	inside  bool // inside TLS, where a lie instead of the handshake is already covered
}

// when is the moment at which a server starts to lie.
type when string

const (
	atOnce     when = "at once"           // instead of the handshake, when the client connects
	thereafter when = "after a handshake" // instead of an answer, when the store is connected
)

func (s store) run(t *testing.T) {
	t.Parallel()
	for _, w := range []when{atOnce, thereafter} {
		for _, l := range s.lies {
			if l.only != "" && l.only != w || s.inside && w == atOnce {
				continue
			}
			t.Run(fmt.Sprintf("%s %s", l.name, w), func(t *testing.T) { s.try(t, w, l) })
		}
	}
}

func (s store) try(t *testing.T, w when, l lie) {
	f := newFake(t, s.server, l)
	if w == atOnce {
		f.mode.Store(lyingAtOnce)
	}
	c := startClient(t, report.Spec{
		Type: s.kind, Secrets: s.secrets, Fields: s.fields(t, s, f.address()), Rounds: rounds(w),
	})
	if w == thereafter {
		_, ok := c.ask("work")
		require.True(t, ok, "the store must work while the server is honest")
		f.mode.Store(lyingThereafter)
	}
	before := f.accepted.Load()
	r, ok := c.ask("call")
	t.Logf("LYING | %s | %s, %s | %s | %v, %d connections", cmp.Or(s.name, s.kind), l.name, w, cost(r, ok), r.Kinds, f.accepted.Load()-before)
	if measured != "" {
		return
	}
	require.True(t, ok, "the client must not crash")
	require.Less(t, r.Peak-r.Start, int64(most), "the lies cost too much memory")
	for kind := range r.Kinds {
		require.Contains(t, []string{"unavailable", "timeout"}, kind)
	}
	require.LessOrEqual(t, f.accepted.Load()-before, int64(storm*64*rounds(w)), "too many connections")
	f.mode.Store(honest)
	_, ok = c.ask("work")
	require.True(t, ok, "the client must not crash")
}

func cost(r report.Report, ok bool) string {
	if !ok {
		return "the client died at 4 GiB of addresses"
	}
	return fmt.Sprintf("%d MiB", (r.Peak-r.Start+1<<19)>>20)
}

// client is a running client.
type client struct {
	in  io.Writer
	out *bufio.Scanner
}

var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "lying")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "client")
	// The client is built without the race detector, which multiplies memory.
	if out, err := exec.Command("go", "build", "-o", path, "./client").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func startClient(t *testing.T, spec report.Spec) *client {
	t.Helper()
	path := measured
	if path == "" {
		var err error
		path, err = build()
		require.NoError(t, err)
	}
	text, err := json.Marshal(spec)
	require.NoError(t, err)
	cmd := exec.Command(path, string(text))
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String()[:min(said.Len(), 4000)])
		}
	})
	return &client{in, bufio.NewScanner(out)}
}

// ask sends a command to the client. It returns false if the client has ended.
func (c *client) ask(what string) (report.Report, bool) {
	var r report.Report
	_, err := io.WriteString(c.in, what+"\n")
	if err != nil || !c.out.Scan() {
		return r, false
	}
	return r, json.Unmarshal(c.out.Bytes(), &r) == nil
}
