package store

import (
	"cmp"
	"slices"
	"time"
)

// class returns the class of a waiting call. The lowest class is admitted first.
func (w *waiter) class() int {
	switch {
	case w.admitted:
		return 0
	case !w.task.Background():
		return 1
	default:
		return 2
	}
}

// next returns the waiting call to admit next.
func (q *queue) next() *waiter {
	if q.admissions%backgroundShare == 0 {
		for _, w := range q.waiting {
			if w.class() == 2 {
				return w
			}
		}
	}
	best := q.waiting[0]
	for _, w := range q.waiting[1:] {
		if c := cmp.Compare(w.class(), best.class()); c < 0 || c == 0 && q.overloaded && !w.admitted {
			best = w
		}
	}
	return best
}

// last returns the waiting call to shed first.
func (q *queue) last() *waiter {
	worst := q.waiting[0]
	for _, w := range q.waiting[1:] {
		if c := cmp.Compare(w.class(), worst.class()); c > 0 || c == 0 && !q.overloaded {
			worst = w
		}
	}
	return worst
}

// shedLate is called when a call arrives. It sheds the calls that have waited too long, and
// marks the queue as overloaded if there were any.
func (q *queue) shedLate(now time.Time) {
	if q.shedWhere(func(_ int, w *waiter) bool { return q.late(w, now) }) {
		q.overloaded = true // the call that arrives will wait
	}
}

// late reports whether a call has waited too long for an overloaded queue. The limit is at
// least the time that the store needs for one call, because for that long all places may be
// taken without any overload.
func (q *queue) late(w *waiter, now time.Time) bool {
	round := q.typical
	if round == 0 { // the store has not answered yet
		round = q.timeout
	}
	return !w.admitted && now.Sub(w.arrived) >= max(maxQueueTime, round)
}

// shedHopeless sheds the calls that cannot be answered before their deadlines, so that their
// callers learn it now.
func (q *queue) shedHopeless(now time.Time) {
	q.shedWhere(func(place int, w *waiter) bool {
		rounds := 1
		if !q.overloaded && !w.admitted {
			rounds += place / q.places
		}
		return !w.deadline.IsZero() && w.deadline.Sub(now) <= time.Duration(rounds)*q.typical
	})
}

// shedWhere sheds the calls for which the function returns true. The function gets each call's
// place in the queue, without the calls shed before it. shedWhere reports whether it shed any.
func (q *queue) shedWhere(which func(place int, w *waiter) bool) bool {
	place, found := 0, false
	for _, w := range q.waiting {
		if which(place, w) {
			w.task.MarkShed()
			found = true
		} else {
			place++
		}
	}
	if found {
		q.endShed()
	}
	return found
}

// shed refuses a waiting call and all other waiting calls of its task.
func (q *queue) shed(w *waiter) {
	w.task.MarkShed()
	q.endShed()
}

// endShed refuses all waiting calls whose tasks have been shed.
func (q *queue) endShed() {
	now := time.Now()
	q.waiting = slices.DeleteFunc(q.waiting, func(w *waiter) bool {
		if !w.task.Shed() {
			return false
		}
		w.end(q.refusal(w, now))
		return true
	})
	q.overloaded = q.overloaded && len(q.waiting) > 0
}

// remove takes a call out of the queue. It reports whether the call was in the queue.
func (q *queue) remove(w *waiter) bool {
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.overloaded = q.overloaded && len(q.waiting) > 0
	return true
}
