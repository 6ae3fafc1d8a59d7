package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// errWrong is an answer that is not what was stored.
var errWrong = errors.New("an answer with the wrong password")

// rotate rewrites the bundle that all processes have in use, and waits until each
// answers with the new value.
func (r *course) rotate(ctx context.Context) (err error) {
	began := time.Now()
	if err := r.write(ctx); err != nil {
		return err
	}
	r.rotation, err = r.awaitGeneration(ctx, began)
	return err
}

// patience is how long a process may take in a trial on a busy machine, besides the
// TTLs that it has.
const patience = 10 * time.Second

// awaitGeneration waits until each process answers with the value that the common
// bundle has now, and returns how long after a time that was for each.
func (r *course) awaitGeneration(ctx context.Context, since time.Time) ([]time.Duration, error) {
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

// rejections are what it causes that all processes report a credential as rejected.
type rejections struct {
	reports, reads, renewed int // at once: reports, reads of the bundle by them, answers with the new value
	insisted, reread        int // of the new one, on and on: reports, and reads

	began, insisting, ended time.Time
}

// count takes the reads from the times of all reads of the bundle.
func (r *rejections) count(times []time.Time) {
	r.reads = readsBetween(times, r.began, r.insisting)
	r.reread = readsBetween(times, r.insisting, r.ended)
}

// reportsAtOnce is how many applications of a process report a credential together.
const reportsAtOnce = 10

// reject rotates the common bundle, and has every process told at once, by several of
// its applications, that the value which it has is rejected; then on and on that the
// next one is, too.
func (r *course) reject(ctx context.Context) error {
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

// reportTogether makes several reports at once.
func reportTogether(report func() error) error {
	failures := make([]error, reportsAtOnce)
	var reports sync.WaitGroup
	for i := range failures {
		reports.Go(func() { failures[i] = report() })
	}
	reports.Wait()
	return errors.Join(failures...)
}

// insist has every process told for a while, again and again, that what it answers is
// rejected, and returns how often that was.
func (r *course) insist(ctx context.Context) (int, error) {
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

// readsBetween are how many of the times are from one to another.
func readsBetween(times []time.Time, from, to time.Time) int {
	n := 0
	for _, t := range times {
		if !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}
