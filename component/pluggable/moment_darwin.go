package pluggable

import "time"

// systemMoments returns the wall clock.
func systemMoments() moments {
	boot := bootID()
	return func() moment { return moment{boot, time.Now().UnixNano()} }
}
