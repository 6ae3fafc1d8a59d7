package component

import (
	"sync"
	"time"
)

const (
	// maxLines is how many lines of one kind an instance writes to the log in an
	// interval; the rest are counted.
	maxLines = 20
	// lineInterval is that interval.
	lineInterval = 10 * time.Second
)

// lineLimit limits the lines that one instance writes to the log for failed requests.
// An application that asks in a loop would fill a disk otherwise.
type lineLimit struct {
	mu     sync.Mutex
	closed bool
	kinds  map[string]*lineWindow
}

// lineWindow is what one kind has written in the interval that runs.
type lineWindow struct {
	written, dropped int
	count            func(dropped int)
	end              *time.Timer
}

func newLineLimit() *lineLimit { return &lineLimit{kinds: map[string]*lineWindow{}} }

// allow tells whether one more line of a kind may be written. At the end of the
// interval count is told how many were not, if there were any.
func (l *lineLimit) allow(kind string, count func(dropped int)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true // calls that end after Close are few
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

// finish ends an interval.
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

// close ends all intervals.
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
