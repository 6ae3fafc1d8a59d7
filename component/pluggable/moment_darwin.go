package pluggable

import "time"

// systemMoments returns a clock that reads the wall clock.
func systemMoments() moments {
	boot := bootID()
	return func() moment { return moment{boot, time.Now().UnixNano()} }
}
