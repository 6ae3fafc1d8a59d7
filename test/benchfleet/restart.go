package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"credential-resolver/test/harness"
	"credential-resolver/test/markdown"
)

// restart is the result of killing and starting all processes at once.
type restart struct {
	kept  bool            // whether their last good answers were kept
	phase string          // the TTL after the restart
	first []time.Duration // for each process, the time from the kill to its first answer
}

// restart kills all processes and starts them again, with or without their last good answers.
func (r *measurement) restart(ctx context.Context, kept bool) error {
	found := restart{kept: kept, phase: "a restart, answers " + map[bool]string{true: "kept", false: "lost"}[kept]}
	err := r.during(ctx, found.phase, r.plan.ttls(1), func(ctx context.Context) (err error) {
		found.first, err = r.fleet.restart(ctx, kept)
		return err
	})
	if err != nil {
		return err
	}
	r.restarts = append(r.restarts, found)
	return r.after(ctx, found.phase, restartTTLs)
}

// restart kills and starts all processes. It returns the time from the kill to each process's
// first answer.
func (f *fleet) restart(ctx context.Context, kept bool) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	killed := time.Now()
	for _, m := range f.members {
		m.component.Kill()
		if kept {
			continue
		}
		if err := m.loseAnswers(); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	var first []time.Duration
	err := f.each(func(m *member) (err error) {
		if m.component, err = harness.StartComponent(ctx, m.options); err != nil {
			return err
		}
		ticker := time.NewTicker(f.plan.step() / 5)
		defer ticker.Stop()
		for {
			if _, err := m.get(ctx, commonGUID); err == nil {
				mu.Lock()
				defer mu.Unlock()
				first = append(first, time.Since(killed))
				return nil
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return fmt.Errorf("a process did not answer after its restart: %w", ctx.Err())
			}
		}
	})
	return first, err
}

// loseAnswers removes the last good answers of a process. It keeps the instances.
func (m *member) loseAnswers() error {
	folders, err := filepath.Glob(filepath.Join(m.options.StateDir, "*", "answers"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// writeKey writes a key for --state-key-file.
func writeKey(path string) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(key)), 0o400)
}

// restarted compares the stores' load after a restart with the steady state.
func (f *found) restarted() string {
	t := markdown.Table{{
		"last good answers", "Redis: mean in the two TTLs after", "peak", "peak/steady mean",
		"Vault: mean in the two TTLs after", "peak", "peak/steady mean", "first answer: median", "last", "answers", "failed",
	}}
	steady := f.span(steadyState)
	for _, r := range f.restarts {
		row := []string{map[bool]string{true: "kept", false: "lost"}[r.kept]}
		s := f.span(r.phase)
		s.to += f.plan.ttls(1) // daprd redials after a second, and only then come the requests
		for _, rates := range [][]float64{f.redis, f.vault} {
			here, usual := s.of(rates, f.plan.step()), mean(steady.of(rates, f.plan.step()))
			row = append(row, number(mean(here), 0), number(peak(here), 0), "**"+ratio(peak(here), usual)+"**")
		}
		t = append(t, append(row, seconds(middle(r.first)), seconds(last(r.first)),
			markdown.Thousands(float64(f.load.in(f.load.answered, s))), strconv.Itoa(f.load.in(f.load.failed, s))))
	}
	return t.String()
}
