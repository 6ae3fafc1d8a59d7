package main

import (
	"context"
	"fmt"
	"time"

	"credential-resolver/test/harness"
)

// reading is a store's number of reads at a time.
type reading struct {
	at    time.Time
	calls int
}

// watchRedis asks Redis after every step for its number of reads since its start, until ctx
// ends.
func watchRedis(ctx context.Context, redis *harness.Redis, begin time.Time, step time.Duration) ([]reading, error) {
	var readings []reading
	for next := begin; ; next = next.Add(step) {
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return readings, nil
		}
		calls, err := redis.Reads(context.WithoutCancel(ctx))
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		readings = append(readings, reading{time.Now(), calls})
	}
}

// betweenReadings turns readings into rates per second, by step. Readings may be late, so the
// reads between two of them are spread evenly.
func betweenReadings(readings []reading, begin time.Time, step time.Duration) []float64 {
	var rates []float64
	for i := 1; i < len(readings); i++ {
		from, to := readings[i-1].at.Sub(begin), readings[i].at.Sub(begin)
		calls := float64(readings[i].calls - readings[i-1].calls)
		for at := from; at < to; {
			end := min(at.Truncate(step)+step, to)
			part := float64(end-at) / float64(to-from)
			add(&rates, int(at/step), calls*part/step.Seconds())
			at = end
		}
	}
	return rates
}

// perSecond turns times into rates per second, by step.
func perSecond(times []time.Time, begin time.Time, step time.Duration) []float64 {
	var rates []float64
	for _, t := range times {
		if d := t.Sub(begin); d >= 0 {
			add(&rates, int(d/step), 1/step.Seconds())
		}
	}
	return rates
}
