package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// The results behind docs/reliability.md. One file is of the version without load shedding,
// which cannot be measured again, and one of the current version.
const (
	beforeFile = "test/overload/before.json"
	nowFile    = "test/overload/now.json"
)

// figures is the result of a run. Times are in milliseconds unless noted.
type figures struct {
	Machine string        `json:"machine"` // in general terms
	Seconds float64       `json:"seconds"` // of each load
	Loads   []loadFigure  `json:"loads"`
	Bursts  []burstFigure `json:"bursts"`
}

// loadFigure is the result of one scenario.
type loadFigure struct {
	Multiple int            `json:"multiple"` // of the capacity
	Secrets  int            `json:"secrets"`  // of each credential
	Service  float64        `json:"service"`  // the average time of a call to the store
	Calls    int            `json:"calls"`    // answered calls to the store
	Capacity float64        `json:"capacity"` // credentials per second that the store can serve
	Rate     float64        `json:"rate"`     // right answers per second, after the settling time
	Right    []int          `json:"right"`    // right answers in each second
	Load     answers        `json:"load"`
	Process  process        `json:"process"`
	Beside   []besideFigure `json:"beside"`
}

// share returns the rate of right answers as a fraction of the capacity.
func (f loadFigure) share() float64 { return f.Rate / f.Capacity }

// answers summarises the answers to a number of requests.
type answers struct {
	Asked      int            `json:"asked"`
	Right      int            `json:"right"`
	Wrong      int            `json:"wrong"`
	P50        float64        `json:"p50"` // of right answers
	P99        float64        `json:"p99"`
	Refused    []refusalCount `json:"refused"`
	RefusedP99 float64        `json:"refusedP99"`
}

// refusalCount is the number of refusals with a code and text.
type refusalCount struct {
	Code  string `json:"code"`
	Words string `json:"words"`
	Count int    `json:"count"`
}

// process is the peak resource use of the component.
type process struct {
	Goroutines int   `json:"goroutines"`
	Memory     int64 `json:"memory"` // MiB
}

// besideFigure is the result for credentials that were requested beside a load.
type besideFigure struct {
	Kind string `json:"kind"`
	answers
}

// burstFigure is the result of a burst.
type burstFigure struct {
	Number   int     `json:"number"`   // counts consecutive bursts, from one
	Secrets  int     `json:"secrets"`  // of each credential
	Capacity float64 `json:"capacity"` // credentials per second that the store can serve
	answers
	Process process `json:"process"`
}

// refused returns the number of refusals.
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
