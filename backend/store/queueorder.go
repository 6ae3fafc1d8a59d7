package store

import (
	"cmp"
	"slices"
	"time"
)

// class orders the calls that wait: the lowest is next.
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

// next returns the call that is admitted next.
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

// last returns the call that is shed first.
func (q *queue) last() *waiter {
	worst := q.waiting[0]
	for _, w := range q.waiting[1:] {
		if c := cmp.Compare(w.class(), worst.class()); c > 0 || c == 0 && !q.overloaded {
			worst = w
		}
	}
	return worst
}

// shedLate sheds the calls that have waited too long while another arrives.
func (q *queue) shedLate(now time.Time) {
	if q.shedWhere(func(_ int, w *waiter) bool { return q.late(w, now) }) {
		q.overloaded = true // the one that arrives waits
	}
}

// late tells whether a call has waited too long for a queue that is overloaded. For as long
// as the store needs for one call, all places may be taken without any overload.
func (q *queue) late(w *waiter, now time.Time) bool {
	round := q.typical
	if round == 0 { // the store has not answered yet
		round = q.timeout
	}
	return !w.admitted && now.Sub(w.arrived) >= max(maxQueueTime, round)
}

// shedHopeless sheds the calls that cannot end before their deadlines: their callers are
// better told now.
func (q *queue) shedHopeless(now time.Time) {
	q.shedWhere(func(place int, w *waiter) bool {
		rounds := 1
		if !q.overloaded && !w.admitted {
			rounds += place / q.places
		}
		return !w.deadline.IsZero() && w.deadline.Sub(now) <= time.Duration(rounds)*q.typical
	})
}

// shedWhere sheds the calls that which, which is told their places, picks. It tells whether
// there are any.
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

// shed refuses a call that waits, and with it its task.
func (q *queue) shed(w *waiter) {
	w.task.MarkShed()
	q.endShed()
}

// endShed ends the wait of all calls whose tasks have been shed.
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

// remove takes a call out of the queue. It tells whether the call was there.
func (q *queue) remove(w *waiter) bool {
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.overloaded = q.overloaded && len(q.waiting) > 0
	return true
}
