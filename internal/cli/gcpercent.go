package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage collector runs when garbage takes as many bytes as the heap in use, which is the
// default, plus garbageRoom.
const (
	garbageRoom = 12 << 20
	// smallHeap is the smallest heap in use that the calculation assumes. It limits GOGC to
	// 400.
	smallHeap = 4 << 20
)

// tuneGC makes the garbage collector run less often while the heap is small. By default it
// runs when the heap has doubled, and our small heap doubles after a few hundred requests. A
// fixed, higher GOGC would multiply the memory that a large cache takes. A GOGC in the
// environment is not changed, and GOMEMLIMIT still limits the heap.
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		followHeap()
	}
}

// followHeap sets GOGC for the heap that is in use now, and again after each collection.
func followHeap() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(gcPercent(live[0].Value.Uint64()))
	// The next collection finds an object that nothing refers to, and runs its cleanup.
	runtime.AddCleanup(new(string), func(struct{}) { followHeap() }, struct{}{})
}

// gcPercent returns the GOGC for a heap with live bytes in use.
func gcPercent(live uint64) int {
	return int(100 + 100*garbageRoom/max(live, smallHeap)) //nolint:gosec // 400 at most
}
