package component

import (
	"sync"
	"time"
)

const (
	// maxLines is the most log lines of one kind that an instance writes in an interval. The
	// rest are only counted.
	maxLines = 20
	// lineInterval is the length of that interval.
	lineInterval = 10 * time.Second
)

// lineLimit is a rate limit for the lines that one instance logs for failed requests.
// Otherwise an application that asks in a loop would fill a disk.
type lineLimit struct {
	mu     sync.Mutex
	closed bool
	kinds  map[string]*lineWindow
}

// lineWindow counts the lines of one kind in the current interval.
type lineWindow struct {
	written, dropped int
	count            func(dropped int)
	end              *time.Timer
}

func newLineLimit() *lineLimit { return &lineLimit{kinds: map[string]*lineWindow{}} }

// allow reports whether one more line of a kind may be written. If any were dropped, count
// is called with their number at the end of the interval.
func (l *lineLimit) allow(kind string, count func(dropped int)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true // few calls end after Close
	}
	w := l.kinds[kind]
	if w == nil {
		w = &lineWindow{count: count}
		w.end = time.AfterFunc(lineInterval, func() { l.finish(kind, w) })
		l.kinds[kind] = w
	}
	if w.written < maxLines {
		w.written++
		return true
	}
	w.dropped++
	return false
}

// finish ends the interval of one kind, and reports its dropped lines.
func (l *lineLimit) finish(kind string, w *lineWindow) {
	l.mu.Lock()
	current := l.kinds[kind] == w
	if current {
		delete(l.kinds, kind)
	}
	l.mu.Unlock()
	if current && w.dropped > 0 {
		w.count(w.dropped)
	}
}

// close ends all intervals, and reports their dropped lines.
func (l *lineLimit) close() {
	l.mu.Lock()
	l.closed = true
	kinds := l.kinds
	l.kinds = nil
	l.mu.Unlock()
	for _, w := range kinds {
		w.end.Stop()
		if w.dropped > 0 {
			w.count(w.dropped)
		}
	}
}
