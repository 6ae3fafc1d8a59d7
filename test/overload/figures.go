package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// The figures of a run that docs/reliability.md is drawn from: of the version without
// load shedding, which no later run can measure again, and of the present one.
const (
	beforeFile = "test/overload/before.json"
	nowFile    = "test/overload/now.json"
)

// figures are what a run found. Times are in milliseconds unless they say otherwise.
type figures struct {
	Machine string        `json:"machine"` // in general terms
	Seconds float64       `json:"seconds"` // of each load
	Loads   []loadFigure  `json:"loads"`
	Bursts  []burstFigure `json:"bursts"`
}

// loadFigure is what one scenario found.
type loadFigure struct {
	Multiple int            `json:"multiple"` // of the capacity
	Secrets  int            `json:"secrets"`  // of each credential
	Service  float64        `json:"service"`  // the time of a call to the store, on average
	Calls    int            `json:"calls"`    // to the store that were answered
	Capacity float64        `json:"capacity"` // credentials a second that the store can serve
	Rate     float64        `json:"rate"`     // right answers a second, after the settling
	Right    []int          `json:"right"`    // answers in each second
	Load     answers        `json:"load"`
	Process  process        `json:"process"`
	Beside   []besideFigure `json:"beside"`
}

// share is the rate of right answers as a part of the capacity.
func (f loadFigure) share() float64 { return f.Rate / f.Capacity }

// answers are what a number of requests got.
type answers struct {
	Asked      int            `json:"asked"`
	Right      int            `json:"right"`
	Wrong      int            `json:"wrong"`
	P50        float64        `json:"p50"` // of right answers
	P99        float64        `json:"p99"`
	Refused    []refusalCount `json:"refused"`
	RefusedP99 float64        `json:"refusedP99"`
}

// refusalCount is how many refusals had a code and words.
type refusalCount struct {
	Code  string `json:"code"`
	Words string `json:"words"`
	Count int    `json:"count"`
}

// process is what a load cost the component at most.
type process struct {
	Goroutines int   `json:"goroutines"`
	Memory     int64 `json:"memory"` // MiB
}

// besideFigure is what a kind of credential got that was asked for beside a load.
type besideFigure struct {
	Kind string `json:"kind"`
	answers
}

// burstFigure is what a burst found.
type burstFigure struct {
	Number   int     `json:"number"`   // of those one after the other, from one
	Secrets  int     `json:"secrets"`  // of each credential
	Capacity float64 `json:"capacity"` // credentials a second that the store can serve
	answers
	Process process `json:"process"`
}

// refused is how many were refused.
func (a answers) refused() (n int) {
	for _, r := range a.Refused {
		n += r.Count
	}
	return n
}

func answersOf(outcomes []outcome) answers {
	rights := of(outcomes, right)
	return answers{
		Asked: len(outcomes), Right: len(rights), Wrong: len(of(outcomes, wrong)),
		P50: latency(rights, 0.5), P99: latency(rights, 0.99),
		Refused: refusals(outcomes), RefusedP99: latency(of(outcomes, refused), 0.99),
	}
}

func readFigures(path string) (f figures, err error) {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(encoded, &f); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f figures) write(path string) error {
	encoded, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(encoded, '\n'), 0o644)
}
