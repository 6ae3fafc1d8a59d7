package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// errWrong is returned for an answer that was never stored.
var errWrong = errors.New("an answer with the wrong password")

// rotate replaces the common bundle, and waits until each process answers with the new value.
func (r *measurement) rotate(ctx context.Context) (err error) {
	began := time.Now()
	if err := r.write(ctx); err != nil {
		return err
	}
	r.rotation, err = r.awaitGeneration(ctx, began)
	return err
}

// patience is additional time for a process in a trial on a busy machine.
const patience = 10 * time.Second

// awaitGeneration waits until each process answers with the current value of the common bundle.
// It returns the time since an event for each process.
func (r *measurement) awaitGeneration(ctx context.Context, since time.Time) ([]time.Duration, error) {
	limit := r.plan.ttls(recoveryTTLs) + patience
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	want := generation(r.generation)["password_key"]
	var mu sync.Mutex
	var took []time.Duration
	err := r.fleet.each(func(m *member) error {
		ticker := time.NewTicker(r.plan.step() / 5)
		defer ticker.Stop()
		for {
			if data, err := m.get(ctx, commonGUID); err == nil && data["password"] == want {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(since))
				return nil
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return fmt.Errorf("a process did not answer with the new value within %v: %w", limit, ctx.Err())
			}
		}
	})
	return took, err
}

// rejections is the effect of all processes reporting a credential as rejected.
type rejections struct {
	reports, reads, renewed int // all at once: reports, reads of the bundle they caused, answers with the new value
	insisted, reread        int // repeated reports of the new value, and the reads they caused

	began, insisting, ended time.Time
}

// count computes the numbers of reads from the times of all reads of the bundle.
func (r *rejections) count(times []time.Time) {
	r.reads = readsBetween(times, r.began, r.insisting)
	r.reread = readsBetween(times, r.insisting, r.ended)
}

// reportsAtOnce is how many applications of a process report a credential at the same time.
const reportsAtOnce = 10

// reject rotates the common bundle. Then several applications of every process report its old
// value as rejected at the same time. After that, they repeatedly report the new value too.
func (r *measurement) reject(ctx context.Context) error {
	var mu sync.Mutex
	prints := map[*member]string{}
	err := r.fleet.each(func(m *member) error {
		data, err := m.get(ctx, commonGUID, "fingerprint", "true")
		mu.Lock()
		defer mu.Unlock()
		prints[m] = data["_fingerprint"]
		return err
	})
	if err != nil {
		return err
	}
	if err := r.write(ctx); err != nil {
		return err
	}
	var renewed atomic.Int64
	want := generation(r.generation)["password_key"]
	r.rejections.began = time.Now()
	err = r.fleet.each(func(m *member) error {
		return reportTogether(func() error {
			data, err := m.get(ctx, commonGUID, "rejected", prints[m])
			if data["password"] == want {
				renewed.Add(1)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	found := &r.rejections
	found.reports, found.renewed = reportsAtOnce*len(r.fleet.members), int(renewed.Load())
	found.insisting = time.Now()
	found.insisted, err = r.insist(ctx)
	found.ended = time.Now()
	return err
}

// reportTogether makes several reports in parallel.
func reportTogether(report func() error) error {
	failures := make([]error, reportsAtOnce)
	var reports sync.WaitGroup
	for i := range failures {
		reports.Go(func() { failures[i] = report() })
	}
	reports.Wait()
	return errors.Join(failures...)
}

// insist lets every process receive repeated reports for a while that its answer is rejected.
// It returns the number of reports.
func (r *measurement) insist(ctx context.Context) (int, error) {
	var reports atomic.Int64
	err := r.fleet.each(func(m *member) error {
		ticker := time.NewTicker(time.Second / reportsAtOnce)
		defer ticker.Stop()
		data, err := m.get(ctx, commonGUID, "fingerprint", "true")
		for end := time.Now().Add(insisting); err == nil && time.Now().Before(end); {
			data, err = m.get(ctx, commonGUID, "rejected", data["_fingerprint"], "fingerprint", "true")
			reports.Add(1)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return err
	})
	return int(reports.Load()), err
}

// readsBetween returns how many of the times are between two others.
func readsBetween(times []time.Time, from, to time.Time) int {
	n := 0
	for _, t := range times {
		if !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}
