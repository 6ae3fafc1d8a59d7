package audit

import (
	"context"
	"io"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
)

const (
	// gather is how long the writer waits for further lines, to write them together.
	gather = 10 * time.Millisecond
	// syncInterval is the longest time that a line is not on the disk yet.
	syncInterval = time.Second
	// retryInterval is how often the writer tries again after a failure.
	retryInterval = time.Second
	// anchorInterval is how often an anchor is logged.
	anchorInterval = time.Minute
	// closeTimeout is how long Close waits for the last lines.
	closeTimeout = 5 * time.Second
)

// errNotWritten is the cause of a request that failed because its line was not written.
var errNotWritten error = credential.Remedy("the audit log cannot be written, and --audit-required is set: " +
	"see the log for the reason; free space on the file system of --audit-log, or move its old files away")

// Counter counts lines. Its methods are called one at a time.
type Counter interface {
	// Wrote counts lines that were written.
	Wrote(lines int)
	// Lost counts lines that were not written and never will be.
	Lost(lines int)
	// Failed counts a write, a sync or an opening of the file that failed.
	Failed()
}

// Log gets anchors, and the reasons of failures. A kit/logger is one.
type Log interface {
	Infof(format string, args ...any)
	Warnf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Options configure a [Writer].
type Options struct {
	// Keys are the keys of the log. Required.
	Keys *Keys
	// File is the audit log on disk. The Writer closes it. Nil: the lines go to Stream.
	File *File
	// Stream gets the lines if there is no File.
	Stream io.Writer
	// Required makes Commit wait until the line is on the disk.
	Required bool
	// Log is the log of the process. Required.
	Log Log
	// Counter counts lines. Required.
	Counter Counter
}

// Writer writes the lines of an audit log, in the background and in order. It is safe for
// concurrent use.
type Writer struct {
	opts  Options
	queue *queue
	run   *run
	ended chan struct{}
	close sync.Once
}

// NewWriter returns a writer that has begun to write. The first line says that a process has
// started, and continues the chain of the lines that the file already has.
func NewWriter(o Options) (*Writer, error) {
	w := &Writer{opts: o, queue: newQueue(), ended: make(chan struct{})}
	var err error
	if w.run, err = newRun(o); err != nil {
		return nil, err
	}
	go w.work()
	return w, nil
}

// Required reports whether an answer must not go out without its line.
func (w *Writer) Required() bool { return w.opts.Required }

// Add records a request. It never waits. The receipt, if it is not nil, is that of a later
// Commit.
func (w *Writer) Add(r Record, receipt *Receipt) { w.queue.add(queued{record: r, receipt: receipt}) }

// Commit records a request whose answer depends on the record. With Required, it waits until
// all lines of the receipt are written, and fails if that is not so when ctx ends. Without
// Required, it never waits and never fails. A nil receipt is a new one.
func (w *Writer) Commit(ctx context.Context, r Record, receipt *Receipt) error {
	if !w.opts.Required {
		w.queue.add(queued{record: r})
		return nil
	}
	if receipt == nil {
		receipt = &Receipt{}
	}
	receipt.done = make(chan struct{})
	w.queue.add(queued{record: r, receipt: receipt, last: true})
	return receipt.await(ctx)
}

// Close writes what is left, and closes the file. Records that are added later are lost.
func (w *Writer) Close() {
	w.close.Do(func() {
		w.queue.close()
		select {
		case <-w.ended:
		case <-time.After(closeTimeout):
			w.opts.Log.Errorf("audit log: the last lines could not be written in time")
		}
	})
}

// work writes until the writer is closed.
func (w *Writer) work() {
	defer close(w.ended)
	tick := time.NewTicker(syncInterval)
	defer tick.Stop()
	var used []queued
	for closed := false; !closed; {
		select {
		case <-w.queue.wake:
			if !w.opts.Required {
				<-time.After(gather)
			}
		case <-tick.C:
		}
		var lost int
		used, lost, closed = w.queue.take(used)
		w.run.add(used, lost)
		w.run.flush(closed)
		w.queue.keep(len(w.run.pending), w.run.bytes)
	}
	w.run.end()
}
