package audit

import "time"

// complainInterval is the least time between two log lines about the same trouble.
const complainInterval = time.Minute

// trouble is what the Writer's goroutine knows of failures.
type trouble struct {
	log        Log
	counter    Counter
	failing    bool // whether the last write failed
	retryAt    time.Time
	complainAt time.Time // when the log may have a line about trouble again
	lost       int       // lines since the log last told of them
}

// report reports a failure that did not prevent a write.
func (t *trouble) report(now time.Time, what string, err error) {
	t.counter.Failed()
	if now.Before(t.complainAt) {
		return
	}
	t.complainAt = now.Add(complainInterval)
	t.log.Errorf("audit log: %s: %v", what, err)
}

// failed reports a write that failed.
func (t *trouble) failed(now time.Time, err error) {
	t.failing = true
	t.retryAt = now.Add(retryInterval)
	t.report(now, "lines cannot be written; free space on its file system, or move its old files away", err)
}

// ended reports a write that succeeded.
func (t *trouble) ended(now time.Time) {
	switch {
	case t.failing:
		t.failing, t.retryAt = false, time.Time{}
		t.log.Warnf("audit log: lines are written again; %d were lost", t.lost)
	case t.lost == 0 || now.Before(t.complainAt):
		return
	default:
		t.complainAt = now.Add(complainInterval)
		t.log.Warnf("audit log: %d lines were lost, because they came faster than they could be written", t.lost)
	}
	t.lost = 0
}

// sync writes the lines to the disk, and reports whether that succeeded.
func (r *run) sync(now time.Time) bool {
	r.syncAt = now.Add(syncInterval)
	if r.opts.File == nil || !r.dirty {
		r.dirty = false
		return true
	}
	if err := r.opts.File.Sync(); err != nil {
		r.trouble.report(now, "lines may not be on the disk", err)
		return false
	}
	r.dirty = false
	return true
}

// anchor logs the place of the last line. The line is on the disk before.
func (r *run) anchor(now time.Time) {
	r.anchorAt = now.Add(anchorInterval)
	if r.sync(now) {
		r.anchored = r.place.seq
		r.opts.Log.Infof("audit log: anchor %s", Anchor(r.place))
	}
}

// end writes the last line, and closes the file. What is still not written is lost.
func (r *run) end() {
	r.append(entry{body: appendHead(nil, time.Now(), stopped), own: true})
	r.flush(true)
	dropped := 0
	for _, e := range r.pending {
		if !e.own {
			dropped++
			e.receipt.settle(false, e.last)
		}
	}
	if dropped > 0 {
		r.opts.Counter.Lost(dropped)
		r.opts.Log.Errorf("audit log: %d lines were lost, because the process ends", dropped)
	}
	if r.place.seq > r.anchored {
		r.anchor(time.Now())
	}
	if r.opts.File != nil {
		if err := r.opts.File.Close(); err != nil {
			r.trouble.report(time.Now(), "closing the file", err)
		}
	}
}
