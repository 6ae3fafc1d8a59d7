package pluggable

import "time"

// moment is a time that another process can compare with its own, whatever is done to
// the wall clock meanwhile.
type moment struct {
	boot string // moments of different boots cannot be compared
	at   int64  // nanoseconds since the boot, where the system tells them; else of the wall clock
}

// moments is a source of moments.
type moments func() moment

// of returns the moment of a time of this process.
func (now moments) of(t time.Time) moment {
	m := now()
	m.at -= int64(time.Since(t))
	return m
}

// age returns how long ago a moment was. false: of another boot, or in the future.
func (now moments) age(m moment) (time.Duration, bool) {
	n := now()
	return time.Duration(n.at - m.at), n.boot == m.boot && n.at >= m.at
}
