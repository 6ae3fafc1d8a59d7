package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"credential-resolver/test/harness"
	"credential-resolver/test/markdown"
)

// rotation is the result of the measurement with rotating secrets: the cost for requests, and
// the age of answers.
type rotation struct {
	quiet, rotating series
	rotations       int
	oldest          time.Duration // the maximum time for which a replaced secret was still answered
}

// The credential, its Component and its cacheTTL. The secret is replaced so often that every
// refresh brings a new value.
const (
	rotatingGUID   = "rotating"
	briefVault     = "brief-vault"
	briefTTL       = time.Second
	rotationPause  = 100 * time.Millisecond
	rotationRounds = 5
	rotationUsers  = 8
)

// briefly returns metadata that makes a component refresh all the time.
func briefly() map[string]string { return map[string]string{"cacheTTL": briefTTL.String()} }

// rotatingConfig returns a config whose secret is the number of its version.
func rotatingConfig() map[string]any {
	return map[string]any{"credentialSource": "agent", "secret-path": rotatingGUID, "password": "password_key"}
}

// rotations records when each version of a secret was replaced.
type rotations struct {
	mu       sync.Mutex
	replaced []time.Time
	oldest   time.Duration
}

// rotate writes new versions into Vault until ctx ends.
func (s *stores) rotate(ctx context.Context, seen *rotations) error {
	for ctx.Err() == nil {
		if err := s.replace(ctx, seen); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-time.After(rotationPause):
		case <-ctx.Done():
		}
	}
	return nil
}

// replace writes the next version.
func (s *stores) replace(ctx context.Context, seen *rotations) error {
	entries := map[string]string{"password_key": strconv.Itoa(len(seen.replaced) + 1)}
	err := s.vault.Write(ctx, "secret/data/dapr/"+rotatingGUID, entries)
	if err == nil {
		seen.mu.Lock()
		defer seen.mu.Unlock()
		seen.replaced = append(seen.replaced, time.Now())
	}
	return err
}

// answered records that a request made at a time got a version.
func (r *rotations) answered(version int, asked time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if version < len(r.replaced) { // the time when the next version was written
		r.oldest = max(r.oldest, asked.Sub(r.replaced[version]))
	}
}

// ask is the operation that records the version it gets.
func (r *rotations) ask(ctx context.Context, c client, _ *rand.Rand) error {
	asked := time.Now()
	entries, err := c.secret(ctx, step{secretsAPI, briefVault, rotatingGUID})
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(entries["password"])
	if err != nil {
		return fmt.Errorf("the answer is no version: %w", err)
	}
	r.answered(version, asked)
	return nil
}

// rotation requests a credential whose secret rotates and one whose secret does not, in turn.
func (s *stores) rotation(ctx context.Context, daprd *harness.Daprd, p plan) (found rotation, err error) {
	clients, err := newPool(daprd, overGRPC, rotationUsers)
	if err != nil {
		return found, err
	}
	defer clients.close()
	seen := &rotations{}
	if err := s.replace(ctx, seen); err != nil {
		return found, err
	}
	for range rotationRounds {
		quiet, err := clients.run(ctx, p.duration, seen.ask)
		if err != nil {
			return found, err
		}
		rotating, err := s.whileRotating(ctx, seen, func() (sample, error) { return clients.run(ctx, p.duration, seen.ask) })
		if err != nil {
			return found, err
		}
		found.quiet, found.rotating = append(found.quiet, quiet), append(found.rotating, rotating)
	}
	found.rotations, found.oldest = len(seen.replaced), seen.oldest
	return found, nil
}

func (s *stores) whileRotating(ctx context.Context, seen *rotations, measure func() (sample, error)) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	rotated := make(chan error)
	go func() { rotated <- s.rotate(ctx, seen) }()
	measured, err := measure()
	cancel()
	return measured, errors.Join(err, <-rotated)
}

// slower returns the ratio of the 99th percentiles of latency: each round with rotations
// against the previous round without.
func (r rotation) slower() spread {
	var ratios []float64
	for i := range r.quiet {
		p99 := func(s series) float64 { return s[i : i+1].latency(0.99).Seconds() }
		ratios = append(ratios, p99(r.rotating)/p99(r.quiet))
	}
	return spreadOf(ratios)
}

func (r rotation) table() string {
	s := r.slower()
	return markdown.Table{
		{"", "p50 / p99, ms", "p99 to the quiet round before"},
		{"nothing changes", r.quiet.latencies(), ""},
		{
			fmt.Sprintf("a secret changes every %s", rotationPause), r.rotating.latencies(),
			fmt.Sprintf("**%.2f** (%.2f to %.2f)", s.median, s.least, s.most),
		},
	}.String() + fmt.Sprintf("After %s rotations, with `cacheTTL: %s`: the oldest answer had been replaced **%.2f s** before it was asked for.\n\n",
		markdown.Thousands(float64(r.rotations)), briefTTL, r.oldest.Seconds())
}
