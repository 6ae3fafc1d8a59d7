package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/audit"
)

func TestALineHasWhatTheRecordHas(t *testing.T) {
	d := &disk{room: -1}
	f := start(t, func(o *audit.Options) { o.Stream = d })
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	r := read("c")
	r.Time, r.Fields, r.InBulk, r.FailedSecret, r.FailedStore = at, []string{"user\"\n", "extra.token", "\xff"}, true, "db-password", "secretStore"
	f.Add(r, nil)
	f.Add(audit.Record{Time: at, Event: audit.Refused, Method: "/x/Get", Outcome: audit.Denied, Code: "PermissionDenied", More: 3}, nil)
	f.Close()

	lines := strings.Split(d.text(), "\n")
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &got))
	assert.Equal(t, got["chain"], func() any { // each line has the chain value of the line before
		var next map[string]any
		require.NoError(t, json.Unmarshal([]byte(lines[2]), &next))
		return next["prev"]
	}())
	delete(got, "prev")
	delete(got, "chain")
	assert.Equal(t, map[string]any{
		"audit": 1.0, "seq": 2.0, "time": "2026-03-01T11:00:00.123456Z", "event": "read", "component": "credentials", "instance": "0123abcd",
		"uid": 1000.0, "pid": 7.0, "guid": "c", "bulk": true, "outcome": "answered", "code": "OK",
		"fields": []any{"user\"\n", "extra.token", "\ufffd"}, "cache": "hit",
		"secrets":    []any{map[string]any{"hash": f.keys.NameHash("db-password"), "store": "secretStore", "outcome": "failed"}},
		"tookMicros": 1500.0,
	}, got)
	assert.Contains(t, lines[2], `"event":"refused","method":"/x/Get","outcome":"refused","code":"PermissionDenied","more":3,"prev":`)
	wrote, lost, failures := f.count.get()
	assert.Equal(t, []int{4, 0, 0}, []int{wrote, lost, failures})
}

func TestTheChainContinuesAfterARestart(t *testing.T) {
	path := logPath(t)
	for range 3 {
		f := onFile(t, path)
		f.readAll(2)
		f.Close()
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	report := verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, string(text))
	assert.Empty(t, report.Findings)
	assert.Equal(t, 12, report.Lines)
	assert.EqualValues(t, 12, report.Last)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// A process that is killed may leave a part of its last line.
func TestATornLastLineIsReportedAndContinued(t *testing.T) {
	options := audit.VerifyOptions{Keys: newKeys(t, "k")}
	for _, cut := range []int{1, 2, 20, 100} {
		path := logPath(t)
		f := onFile(t, path)
		f.readAll(2)
		f.Close()
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, text[:len(text)-cut], 0o600))
		report := verify(t, options, string(text[:len(text)-cut]))
		if cut == 1 { // only the newline is missing
			assert.Empty(t, report.Findings)
		} else {
			assert.Equal(t, 1, report.Bad)
			assert.Contains(t, findings(report), "1:4: the line is incomplete: it was changed, or the process was killed")
		}

		f = onFile(t, path)
		f.readAll(2)
		f.Close()
		text, err = os.ReadFile(path)
		require.NoError(t, err)
		report = verify(t, options, string(text))
		assert.Zero(t, report.Bad, findings(report))
		if cut > 1 {
			assert.Contains(t, findings(report), "1:4: the line is incomplete: the process was killed")
			assert.Positive(t, verify(t, options, strings.Replace(string(text), "\n"+`{"audit":1,"seq":4`, "\n"+`{"audit":1,"seq":5`, 1)).Bad)
			assert.Positive(t, verify(t, options, removeLine(string(text), 4)).Bad)
		}
	}
}

func removeLine(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(append(lines[:n-1:n-1], lines[n:]...), "")
}

func TestLinesWaitForAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 700}
		f := start(t, func(o *audit.Options) { o.Stream = d })
		f.readAll(5)
		<-time.After(time.Minute)
		assert.Contains(t, f.log.String(), "audit log: lines cannot be written; free space on its file system")
		assert.Equal(t, 1, strings.Count(f.log.String(), "cannot be written"), "not at each attempt")
		_, _, failures := f.count.get()
		assert.Positive(t, failures)
		d.setRoom(-1)
		f.readAll(2)
		<-time.After(2 * time.Second)
		f.Close()
		wrote, lost, _ := f.count.get()
		assert.Equal(t, []int{9, 0}, []int{wrote, lost})
		assert.Contains(t, f.log.String(), "audit log: lines are written again; 0 were lost")
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, d.text())
		assert.Zero(t, report.Bad, findings(report))
		assert.Equal(t, 9, report.Lines)
		assert.Contains(t, findings(report), "the disk was full")
	})
}

func TestLinesThatDoNotFitTheQueueAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 0}
		f := start(t, func(o *audit.Options) { o.Stream = d })
		const more = 100
		for range audit.MaxQueued + more {
			f.Add(read("c"), nil)
		}
		<-time.After(3 * time.Second)
		f.Add(read("c"), nil)
		<-time.After(3 * time.Second)
		_, lost, _ := f.count.get()
		assert.InDelta(t, more+1, lost, 1) // the first line, that the process has started, may be in the queue
		d.setRoom(-1)
		<-time.After(2 * time.Second)
		f.Close()
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, d.text())
		assert.Zero(t, report.Bad, findings(report))
		assert.Equal(t, lost, report.Lost)
		assert.Contains(t, findings(report), "lines were lost before this one")
	})
}

// A queue that was full has room as soon as its lines are written.
func TestAWrittenLineMakesRoomInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 0}
		f := start(t, func(o *audit.Options) { o.Stream = d })
		f.readAll(audit.MaxQueued)
		<-time.After(3 * time.Second)
		_, before, _ := f.count.get()
		d.setRoom(-1)
		for wrote := 0; wrote == 0; wrote, _, _ = f.count.get() {
			<-time.After(time.Millisecond)
		}
		f.readAll(100)
		f.Close()
		_, lost, _ := f.count.get()
		assert.Equal(t, before, lost)
	})
}

func TestTheQueueIsBoundedInBytesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, func(o *audit.Options) { o.Stream = &disk{} })
		r := read("c")
		r.Fields = []string{strings.Repeat("x", 1<<20)}
		for range 20 {
			f.Add(r, nil)
		}
		<-time.After(time.Second)
		f.Add(r, nil)
		<-time.After(time.Second)
		_, lost, _ := f.count.get()
		assert.Equal(t, 21-15, lost)
	})
}

func TestRequiredFailsWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 900}
		f := start(t, func(o *audit.Options) { o.Stream, o.Required = d, true })
		ok, failed := 0, 0
		for range 10 {
			if err := f.Commit(t.Context(), read("c"), nil); err != nil {
				assert.ErrorContains(t, err, "free space on the file system of --audit-log")
				failed++
			} else {
				ok++
				assert.Contains(t, d.text(), `"guid":"c"`)
				assert.True(t, strings.HasSuffix(d.text(), "\n"))
			}
		}
		assert.Equal(t, []int{2, 8}, []int{ok, failed})
		d.setRoom(-1)
		require.NoError(t, f.Commit(t.Context(), read("c"), nil))
		f.Close()
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, d.text())
		assert.Zero(t, report.Bad, findings(report))
		assert.Equal(t, 8, report.Lost)
		_, lost, _ := f.count.get()
		assert.Equal(t, 8, lost)
		assert.Equal(t, 3, strings.Count(d.text(), `"event":"read"`)-strings.Count(findings(report), "incomplete"))
	})
}

// blocked is a stream whose reader has stopped reading.
type blocked struct{ until chan struct{} }

func (b blocked) Write(p []byte) (int, error) {
	<-b.until
	return len(p), nil
}

func TestRequiredDoesNotOutwaitItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := blocked{make(chan struct{})}
		f := start(t, func(o *audit.Options) { o.Stream, o.Required = b, true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.Error(t, f.Commit(ctx, read("c"), nil))
		assert.Equal(t, time.Second, time.Since(began))
		f.Close()
		assert.Contains(t, f.log.String(), "the last lines could not be written in time")
		close(b.until)
		synctest.Wait()
	})
}

// A bulk request has one receipt for all its lines.
func TestAReceiptIsForAllItsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1}
		f := start(t, func(o *audit.Options) { o.Stream, o.Required = d, true })
		good := &audit.Receipt{}
		f.Add(read("a"), good)
		f.Add(read("b"), good)
		require.NoError(t, f.Commit(t.Context(), read("bulk"), good))

		synctest.Wait()
		d.setRoom(0)
		bad := &audit.Receipt{}
		f.Add(read("a"), bad)
		synctest.Wait()
		d.setRoom(-1)
		require.Error(t, f.Commit(t.Context(), read("bulk"), bad), "its first line was lost")
		require.NoError(t, f.Commit(t.Context(), read("c"), nil))
	})
}

func TestRecordsAfterCloseAreLost(t *testing.T) {
	f := start(t, func(o *audit.Options) { o.Stream, o.Required = &disk{room: -1}, true })
	f.Close()
	require.Error(t, f.Commit(t.Context(), read("c"), nil))
}

func TestAnAnchorIsLoggedAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1}
		f := start(t, func(o *audit.Options) { o.Stream = d })
		f.readAll(3)
		<-time.After(90 * time.Second)
		_, anchor, ok := strings.Cut(f.log.String(), "audit log: anchor ")
		require.True(t, ok)
		parsed, err := audit.ParseAnchor(strings.FieldsFunc(anchor, func(r rune) bool { return r == '"' || r == '\n' })[0])
		require.NoError(t, err)
		<-time.After(10 * time.Minute)
		assert.Equal(t, 1, strings.Count(f.log.String(), "audit log: anchor"), "there is no new line")
		f.Close()
		assert.Equal(t, 2, strings.Count(f.log.String(), "audit log: anchor"))
		assert.Zero(t, verify(t, audit.VerifyOptions{Keys: f.keys, Anchors: []audit.Anchor{parsed}}, d.text()).Bad)
	})
}

func TestTheLinesOfManyGoroutinesAreInOneChain(t *testing.T) {
	path := logPath(t)
	f := start(t, func(o *audit.Options) { o.File, o.Required = openFile(t, path), true })
	failures := make(chan error, 8)
	for range cap(failures) {
		go func() {
			var err error
			for range 20 {
				err = errors.Join(err, f.Commit(context.Background(), read("c"), nil))
			}
			failures <- err
		}()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
	f.Close()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	report := verify(t, audit.VerifyOptions{Keys: f.keys}, string(text))
	assert.Empty(t, report.Findings)
	assert.Equal(t, 162, report.Lines)
}
