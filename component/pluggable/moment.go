package pluggable

import "time"

// moment is a point in time that another process can compare with its own moments, even if
// the wall clock was changed meanwhile.
type moment struct {
	boot string // moments of different boots cannot be compared
	at   int64  // nanoseconds since the boot, where the system has such a clock; else of the wall clock
}

// moments returns the current moment.
type moments func() moment

// of returns the moment of a time of this process.
func (now moments) of(t time.Time) moment {
	m := now()
	m.at -= int64(time.Since(t))
	return m
}

// age returns how long ago a moment was. It returns false if the moment is from another boot
// or in the future.
func (now moments) age(m moment) (time.Duration, bool) {
	n := now()
	return time.Duration(n.at - m.at), n.boot == m.boot && n.at >= m.at
}
