package component

import (
	"sync"
	"time"
)

// maxStoreLabels is how many labels of stores the metrics distinguish. Components choose the
// names of their stores, so the number must be limited.
const maxStoreLabels = 32

// otherStores is the label of all further stores.
const otherStores = "other"

// storeLabels limits the labels of stores. The first ones that are seen are kept as long as
// the process runs. The zero value is ready to use.
type storeLabels struct {
	mu   sync.RWMutex
	seen map[string]struct{}
}

// of returns the label for the metrics of a store.
func (l *storeLabels) of(label string) string {
	l.mu.RLock()
	_, known := l.seen[label]
	l.mu.RUnlock()
	if known {
		return label
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.seen[label]; !known {
		if len(l.seen) >= maxStoreLabels {
			return otherStores
		}
		if l.seen == nil {
			l.seen = map[string]struct{}{}
		}
		l.seen[label] = struct{}{}
	}
	return label
}

// staleWindow is how long an age counts in a recentMax, at least; at most twice as long.
const staleWindow = time.Minute

// recentMax is the largest of the durations in the last one to two staleWindows. Any number of
// scrapers may read it. The zero value is ready to use.
type recentMax struct {
	mu            sync.Mutex
	began         time.Time // of the current window
	current, last time.Duration
}

// add adds a duration at a time.
func (r *recentMax) add(now time.Time, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	r.current = max(r.current, d)
}

// get returns the largest duration; zero if there was none.
func (r *recentMax) get(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	return max(r.current, r.last)
}

// turn begins a new window if the current one is over.
func (r *recentMax) turn(now time.Time) {
	switch since := now.Sub(r.began); {
	case since < staleWindow:
		return
	case since < 2*staleWindow:
		r.last = r.current
	default:
		r.last = 0
	}
	r.began, r.current = now, 0
}
