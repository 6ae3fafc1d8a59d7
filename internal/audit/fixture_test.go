package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/audit"
	"credential-resolver/internal/logtext"
	"credential-resolver/internal/owned/ownedtest"
)

func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	m.Run()
}

func newKeys(t testing.TB, secret string) *audit.Keys {
	t.Helper()
	keys, err := audit.NewKeys([]byte(strings.Repeat(secret, audit.KeySize)))
	require.NoError(t, err)
	return keys
}

// counter counts what a writer reports.
type counter struct {
	mu                    sync.Mutex
	wrote, lost, failures int
}

var _ audit.Counter = (*counter)(nil)

func (c *counter) Wrote(n int) { c.add(&c.wrote, n) }
func (c *counter) Lost(n int)  { c.add(&c.lost, n) }
func (c *counter) Failed()     { c.add(&c.failures, 1) }

func (c *counter) add(to *int, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*to += n
}

func (c *counter) get() (wrote, lost, failures int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrote, c.lost, c.failures
}

// disk is a stream that can be full. It is safe for concurrent use.
type disk struct {
	mu sync.Mutex
	bytes.Buffer

	room int // bytes that still fit; below zero: no limit
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.room < 0 || len(p) <= d.room {
		d.room -= min(len(p), max(d.room, 0))
		return d.Buffer.Write(p)
	}
	n, _ := d.Buffer.Write(p[:d.room])
	d.room = 0
	return n, errFull
}

func (d *disk) setRoom(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

func (d *disk) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.String()
}

// fixture is a writer, and what it reports.
type fixture struct {
	*audit.Writer

	keys  *audit.Keys
	log   *logtext.Text
	count *counter
}

func start(t testing.TB, change func(*audit.Options)) *fixture {
	t.Helper()
	f := &fixture{keys: newKeys(t, "k"), log: &logtext.Text{}, count: &counter{}}
	o := audit.Options{Keys: f.keys, Log: f.log.Logger(t.Name()), Counter: f.count}
	change(&o)
	var err error
	f.Writer, err = audit.NewWriter(o)
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return f
}

// onFile starts a writer on a file.
func onFile(t testing.TB, path string) *fixture {
	t.Helper()
	return start(t, func(o *audit.Options) { o.File = openFile(t, path) })
}

func openFile(t testing.TB, path string) *audit.File {
	t.Helper()
	file, err := audit.OpenFile(path)
	require.NoError(t, err)
	return file
}

// read returns a record of a request.
func read(guid string) audit.Record {
	return audit.Record{
		Time: time.Now(), Event: audit.Read, Component: "credentials", Instance: "0123abcd", HasPeer: true, UID: 1000, PID: 7,
		GUID: guid, Outcome: audit.Answered, Code: "OK", Cache: "hit", Took: 1500 * time.Microsecond,
	}
}

// readAll records n requests.
func (f *fixture) readAll(n int) {
	for i := range n {
		f.Add(read(fmt.Sprintf("c%d", i)), nil)
	}
}

// verify verifies texts as the files "1", "2" and so on.
func verify(t testing.TB, o audit.VerifyOptions, files ...string) audit.Report {
	t.Helper()
	v := audit.NewVerifier(o)
	for i, text := range files {
		require.NoError(t, v.Read(fmt.Sprint(i+1), strings.NewReader(text)))
	}
	return v.Report()
}

// findings returns the findings of a report as text.
func findings(r audit.Report) string {
	var text strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&text, f)
	}
	return text.String()
}

func logPath(t testing.TB) string { return filepath.Join(t.TempDir(), "logs", "audit.log") }
