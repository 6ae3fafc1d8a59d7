package resolvertest

import "runtime"

// Allocated returns the number of bytes that the process allocates while fn runs, including
// those that are freed meanwhile. Do not use it in parallel tests.
func Allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Allocations is like [Allocated], but returns the number of allocations.
func Allocations(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
