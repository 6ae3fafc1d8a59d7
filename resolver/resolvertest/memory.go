package resolvertest

import "runtime"

// Allocated returns how many bytes are allocated while fn runs, whether or not they are
// freed meanwhile: by whatever runs in the process, so by fn alone where tests are not
// parallel.
func Allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Allocations is Allocated, of how often anything is.
func Allocations(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
