package main

import (
	"context"
	"fmt"
	"time"

	"credential-resolver/test/harness"
)

// reading is how often a store had been read at a time.
type reading struct {
	at    time.Time
	calls int
}

// watchRedis has Redis say after every step how often it has been read since its
// start, until ctx ends.
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

// betweenReadings makes rates by step, a second, of readings that may have come late:
// what was between two of them counts as spread evenly.
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

// perSecond makes rates by step of times.
func perSecond(times []time.Time, begin time.Time, step time.Duration) []float64 {
	var rates []float64
	for _, t := range times {
		if d := t.Sub(begin); d >= 0 {
			add(&rates, int(d/step), 1/step.Seconds())
		}
	}
	return rates
}
