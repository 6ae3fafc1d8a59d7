package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// residentBytes returns the resident size of a process.
func residentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil { // not Linux
		status, err = exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	}
	if err != nil {
		return 0, err
	}
	if _, rest, ok := bytes.Cut(status, []byte("VmRSS:")); ok {
		status = rest
	}
	var kilobytes int64
	_, err = fmt.Fscan(bytes.NewReader(status), &kilobytes)
	return kilobytes << 10, err
}
