package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is what Linux counts processor time in: USER_HZ is 100 wherever Go runs.
const tick = 10 * time.Millisecond

// processorTime is what a process has used of the machine's processors, in steps of a
// tick; zero where that cannot be told.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field, in brackets, may hold anything. utime and stime are the 14th
	// and the 15th (proc(5)).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// used is the processor time of all components of a sidecar: of those that are
// compared, one alone is asked at a time.
func (s *sidecar) used() time.Duration {
	used := processorTime(s.component.Pid())
	if s.constant != nil {
		used += processorTime(s.constant.Pid())
	}
	return used
}
