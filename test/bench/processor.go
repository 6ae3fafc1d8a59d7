package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is Linux's unit of processor time. USER_HZ is 100 on all platforms that Go supports.
const tick = 10 * time.Millisecond

// processorTime returns the processor time that a process has used, as a multiple of tick. It
// returns zero where it is not available.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is in brackets and may contain anything. utime and stime are the 14th
	// and 15th field (proc(5)).
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

// used returns the processor time of all components of a sidecar. Only one of the compared
// components works at a time.
func (s *sidecar) used() time.Duration {
	used := processorTime(s.component.Pid())
	if s.constant != nil {
		used += processorTime(s.constant.Pid())
	}
	return used
}
