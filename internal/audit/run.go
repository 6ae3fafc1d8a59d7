package audit

import (
	"io"
	"os"
	"time"
)

// maxChunk and maxChunkLines bound one write.
const (
	maxChunk      = 256 << 10 // bytes
	maxChunkLines = 512
)

// entry is a line that is not written yet. It gets its place in the chain when it is written.
type entry struct {
	body    []byte
	receipt *Receipt
	last    bool // of its receipt
	own     bool // the Writer's own line, which is never dropped
	lost    int  // the number of lost lines that it tells of
}

// run is what the Writer's goroutine knows.
type run struct {
	opts    Options
	out     io.Writer
	about   *describer
	chain   *chainer
	place   link // of the last line that was written
	pending []entry
	bytes   int // of the bodies in pending

	torn    fragments // at the end, which no line tells of yet
	unended bool      // whether the end lacks a newline

	dirty    bool // whether lines are not on the disk yet
	syncAt   time.Time
	anchored uint64 // sequence number of the last anchor
	anchorAt time.Time
	trouble  trouble

	buffer []byte
	ends   []int  // of the lines in buffer
	places []link // of the lines in buffer
}

func newRun(o Options) (*run, error) {
	now := time.Now()
	r := &run{
		opts: o, out: o.Stream, about: newDescriber(o.Keys), chain: newChainer(o.Keys),
		syncAt: now.Add(syncInterval), anchorAt: now.Add(anchorInterval), trouble: trouble{log: o.Log, counter: o.Counter},
	}
	if o.File != nil {
		r.out = o.File
		end, err := r.readTail()
		if err != nil {
			return nil, err
		}
		r.place = end.last
	}
	r.addOwn(started, "process", os.Getpid())
	return r, nil
}

// readTail looks at the end of the file, to continue there.
func (r *run) readTail() (tail, error) {
	text, err := r.opts.File.readTail()
	if err != nil {
		return tail{}, err
	}
	end := findTail(text)
	if end.foreign {
		r.opts.Log.Warnf("audit log: %s ends with text that is no audit line: \"audit verify\" will fail; move the file away",
			r.opts.File.Path())
	}
	for _, text := range end.torn {
		r.torn.add(text)
	}
	r.unended = end.unended
	return end, nil
}

// add adds records to the pending lines, and then a line that tells of lost records.
func (r *run) add(items []queued, lost int) {
	for i := range items {
		item := &items[i]
		r.append(entry{body: item.record.appendTo(nil, r.about), receipt: item.receipt, last: item.last})
	}
	r.lose(lost)
}

func (r *run) append(e entry) {
	r.pending = append(r.pending, e)
	r.bytes += len(e.body)
}

// lose counts lost lines, and adds a line that tells of them.
func (r *run) lose(lines int) {
	if lines == 0 {
		return
	}
	r.opts.Counter.Lost(lines)
	r.trouble.lost += lines
	if n := len(r.pending); n > 0 && r.pending[n-1].lost > 0 { // one line tells of all
		lines += r.pending[n-1].lost
		r.bytes -= len(r.pending[n-1].body)
		r.pending = r.pending[:n-1]
	}
	r.addOwn(lost, "lost", lines)
	r.pending[len(r.pending)-1].lost = lines
}

// addOwn adds a line of the Writer's own.
func (r *run) addOwn(event Event, name string, n int) {
	r.append(entry{body: appendNumber(appendHead(nil, time.Now(), event), name, int64(n)), own: true})
}

// flush writes the pending lines. final says that there is no later try.
func (r *run) flush(final bool) {
	now := time.Now()
	if final || r.opts.Required || !now.Before(r.trouble.retryAt) {
		r.rotate(now) // without a line too, so that a renamed file soon gets no further ones
		if len(r.pending) > 0 {
			r.writeAll(now)
		}
	}
	if r.dirty && !now.Before(r.syncAt) {
		r.sync(now)
	}
	if r.place.seq > r.anchored && !now.Before(r.anchorAt) {
		r.anchor(now)
	}
}

// rotate changes to a new file if the old one was renamed. The chain goes on in the new file.
func (r *run) rotate(now time.Time) {
	if r.opts.File == nil || !r.opts.File.renamed(now) {
		return
	}
	done, err := r.opts.File.reopen()
	if done && err == nil {
		_, err = r.readTail()
	}
	if err != nil {
		r.trouble.report(now, "the file was renamed, and changing to a new one failed", err)
	}
	if !done || r.place.seq == 0 { // without a line before, there is nothing to continue
		return
	}
	waiting := r.pending
	r.pending = nil
	r.addOwn(opened, "after", int(r.place.seq)) //nolint:gosec // lines are fewer than 1<<63
	r.pending = append(r.pending, waiting...)
	r.dirty = true
}

// writeAll writes all pending lines. With Required, those that cannot be written are lost.
func (r *run) writeAll(now time.Time) {
	written := r.pending
	var err error
	for len(r.pending) > 0 && err == nil {
		err = r.writeChunk()
	}
	written = written[:len(written)-len(r.pending)]
	if err == nil {
		r.trouble.ended(now)
	} else {
		r.trouble.failed(now, err)
	}
	ok := !r.opts.Required || len(written) == 0 || r.sync(now)
	for _, e := range written {
		r.bytes -= len(e.body)
		e.receipt.settle(ok, e.last)
	}
	if len(written) > 0 {
		r.opts.Counter.Wrote(len(written))
	}
	if err != nil && r.opts.Required {
		r.drop()
	}
}

// drop loses the pending lines, but for the Writer's own.
func (r *run) drop() {
	unwritten := r.pending
	r.pending, r.bytes = nil, 0
	dropped := 0
	for _, e := range unwritten {
		if e.own {
			r.append(e)
			continue
		}
		dropped++
		e.receipt.settle(false, e.last)
	}
	r.lose(dropped)
}

// writeChunk writes some of the pending lines, and removes those that were written.
func (r *run) writeChunk() error {
	lead := r.encode()
	n, err := r.out.Write(r.buffer)
	if n > 0 && lead > 0 {
		r.unended = false
	}
	whole := 0
	for whole < len(r.ends) && r.ends[whole] <= n {
		whole++
	}
	begin := lead
	if whole > 0 {
		begin = r.ends[whole-1]
	}
	if whole < len(r.ends) && n == r.ends[whole]-1 { // only its newline is missing
		whole++
		begin, r.unended = n, true
	}
	if whole > 0 {
		r.place, r.torn, r.dirty = r.places[whole-1], fragments{}, true
		r.pending = r.pending[whole:]
	}
	if n > begin {
		r.torn.add(r.buffer[begin:n])
		r.unended = true
	}
	if err == nil && n < len(r.buffer) {
		err = io.ErrShortWrite
	}
	return err
}

// encode encodes some of the pending lines. It returns the length of what comes before them:
// the newline that ends an incomplete line.
func (r *run) encode() (lead int) {
	r.buffer, r.ends, r.places = r.buffer[:0], r.ends[:0], r.places[:0]
	if r.unended {
		r.buffer = append(r.buffer, '\n')
	}
	lead = len(r.buffer)
	place := r.place
	for i, e := range r.pending {
		if i == maxChunkLines || len(r.buffer) >= maxChunk {
			break
		}
		body := e.body
		if i == 0 {
			body = appendText(body[:len(body):len(body)], "torn", r.torn.sum())
		}
		r.buffer, place = r.chain.appendLine(r.buffer, place, body)
		r.ends, r.places = append(r.ends, len(r.buffer)), append(r.places, place)
	}
	return lead
}
