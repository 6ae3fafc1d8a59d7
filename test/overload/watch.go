package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// watchInterval is how often the component's goroutines are counted.
const watchInterval = 250 * time.Millisecond

// watch starts to watch the component. The returned function ends that, and returns the peak
// resource use.
func (side *sidecar) watch(ctx context.Context) (end func() (process, error)) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	most := 0
	go func() {
		defer close(done)
		for begin, i := time.Now(), 1; ; i++ {
			if n, err := side.goroutines(ctx); err == nil { // a busy component may be late
				most = max(most, n)
			}
			if wait(ctx, begin.Add(time.Duration(i)*watchInterval)) != nil {
				return
			}
		}
	}()
	return func() (process, error) {
		stop()
		<-done
		memory, err := side.component.PeakMemory()
		return process{Goroutines: most, Memory: memory >> 20}, err
	}
}

// goroutines returns the number of the component's goroutines.
func (side *sidecar) goroutines(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+side.component.Metrics+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, errors.New("the metrics of the component have no goroutines")
}
