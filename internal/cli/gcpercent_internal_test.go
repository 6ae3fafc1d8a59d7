package cli

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"credential-resolver/test/waiting"
)

// gogc returns the current GOGC.
func gogc() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestGCPercentFallsAsTheHeapGrows(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 4 << 20: 400, 12 << 20: 200, 120 << 20: 110, 12 << 30: 100} {
		assert.Equal(t, want, gcPercent(live), live)
	}
}

func TestTuneGCKeepsGOGCOfTheEnvironment(t *testing.T) {
	before := gogc()
	t.Setenv("GOGC", "75")
	tuneGC()
	assert.Equal(t, before, gogc())
}

func TestTuneGCFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	tuneGC()
	large := make([]byte, 256<<20) // never touched, so it uses no memory
	assert.Eventually(t, func() bool {
		runtime.GC()
		return gogc() < 110
	}, waiting.Long, time.Millisecond)
	runtime.KeepAlive(large)
	assert.Eventually(t, func() bool {
		runtime.GC()
		return gogc() > 110
	}, waiting.Long, time.Millisecond)
}
