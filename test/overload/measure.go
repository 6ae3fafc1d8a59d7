package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// measure runs each load with a new sidecar, and the bursts with another.
func (s *stores) measure(ctx context.Context, d time.Duration) (f figures, err error) {
	f.Machine = fmt.Sprintf("%d cores (%s/%s)", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	f.Seconds = d.Seconds()
	for _, scenario := range scenarios() {
		progress("%d times what the store can answer, %d secrets each, for %v", scenario.multiple, scenario.secrets, d)
		found, err := s.load(ctx, scenario, d)
		if err != nil {
			return f, err
		}
		f.Loads = append(f.Loads, found)
	}
	for _, secrets := range burstSecrets() {
		progress("%d requests at once, %d secrets each, twice", burstSize, secrets)
		found, err := s.bursts(ctx, secrets)
		if err != nil {
			return f, err
		}
		f.Bursts = append(f.Bursts, found...)
	}
	return f, nil
}

// load measures one scenario. Its cacheTTL makes the cached credential refresh during the load.
func (s *stores) load(ctx context.Context, now scenario, d time.Duration) (f loadFigure, err error) {
	side, err := s.startSidecar(ctx, map[string]string{
		"storeConcurrency": strconv.Itoa(slots), "cacheTTL": (d / 2).String(),
	})
	defer func() { err = errors.Join(err, side.stop()) }()
	if err != nil {
		return f, err
	}
	end := side.watch(ctx)
	beside := side.besides(ctx, d)
	outcomes := askAll(ctx, side.loadConn, withSecrets(now.secrets), now.requests(d), now.interval())
	f = loadFigure{
		Multiple: now.multiple, Secrets: now.secrets, Load: answersOf(outcomes), Beside: beside(),
		Rate: rate(of(outcomes, right), settling, d), Right: perSecond(of(outcomes, right), d),
	}
	calls, service := side.slow.measured()
	f.Calls, f.Service = calls, milliseconds(service)
	f.Capacity = slots / service.Seconds() / float64(now.secrets)
	if f.Process, err = end(); err != nil {
		return f, err
	}
	return f, ctx.Err()
}

// besides starts to request credentials that a load must not affect. The returned function
// waits for the end and returns the results.
func (side *sidecar) besides(ctx context.Context, d time.Duration) func() []besideFigure {
	kinds := []struct {
		name string
		of   numbered
	}{{besideCached, cached}, {besideFile, inFile}, {besideOther, ofOther}}
	figures := make([]besideFigure, len(kinds))
	var all sync.WaitGroup
	for i, k := range kinds {
		all.Go(func() {
			next := func(i int) credential { return k.of(i + 1) } // the first one was used to warm up
			figures[i] = besideFigure{k.name, answersOf(askAll(ctx, side.restConn, next, int(d/besideInterval), besideInterval))}
		})
	}
	return func() []besideFigure {
		all.Wait()
		return figures
	}
}

// The kinds of credentials beside a load.
const (
	besideCached = "a cached credential"
	besideFile   = "a credential from another store"
	besideOther  = "a credential of another Component"
)

// bursts measures consecutive bursts, with the default settings.
func (s *stores) bursts(ctx context.Context, secrets int) (all []burstFigure, err error) {
	side, err := s.startSidecar(ctx, nil)
	defer func() { err = errors.Join(err, side.stop()) }()
	if err != nil {
		return nil, err
	}
	for burst := range bursts {
		end := side.watch(ctx)
		next := func(i int) credential { return withSecrets(secrets)(burst*burstSize + i) }
		f := burstFigure{Number: burst + 1, Secrets: secrets, answers: answersOf(askAll(ctx, side.loadConn, next, burstSize, 0))}
		_, service := side.slow.measured()
		f.Capacity = burstSlots / service.Seconds() / float64(secrets)
		if f.Process, err = end(); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, ctx.Err()
}
