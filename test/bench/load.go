package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"credential-resolver/test/harness"
)

// pool is a number of clients, each with its own connection, that work in parallel.
type pool []client

func newPool(daprd *harness.Daprd, protocol string, connections int) (pool, error) {
	var p pool
	for range connections {
		c, err := dial(daprd, protocol)
		if err != nil {
			p.close()
			return nil, err
		}
		p = append(p, c)
	}
	return p, nil
}

func (p pool) close() {
	for _, c := range p {
		c.close()
	}
}

// sample is the result of one round.
type sample struct {
	took      time.Duration
	latencies []time.Duration // of every operation
	used      time.Duration   // processor time of the components
}

// rate returns operations per second.
func (s sample) rate() float64 { return float64(len(s.latencies)) / s.took.Seconds() }

// run repeats the operation on every connection for a duration. The first failure ends it.
func (p pool) run(ctx context.Context, d time.Duration, op operation) (sample, error) {
	begin := time.Now()
	return p.until(ctx, op, func() bool { return time.Since(begin) >= d })
}

// until repeats the operation on every connection until done returns true.
func (p pool) until(ctx context.Context, op operation, done func() bool) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found := make([][]time.Duration, len(p))
	begin := time.Now()
	var workers sync.WaitGroup
	for i, c := range p {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for !done() {
				asked := time.Now()
				if err := op(ctx, c, r); err != nil {
					cancel(err)
					return
				}
				found[i] = append(found[i], time.Since(asked))
			}
		})
	}
	workers.Wait()
	return sample{took: time.Since(begin), latencies: slices.Concat(found...)}, context.Cause(ctx)
}
