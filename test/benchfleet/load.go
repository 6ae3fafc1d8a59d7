package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/status"
)

// load is the requests of the applications of all processes. Their rate does not depend on how
// fast the answers come: each credential of a process is requested once in plan.askEvery on
// average. The order is random. With regular requests, refreshes would also come at regular
// times, and processes that started together would stay synchronised.
type load struct {
	begin time.Time
	step  time.Duration

	mu       sync.Mutex
	answered []int // by step
	failed   []int
	words    map[string]int // number of failures by text
	asking   sync.WaitGroup
}

func newLoad(begin time.Time, p plan) *load {
	return &load{begin: begin, step: p.step(), words: map[string]int{}}
}

// drive sends requests to a process until ctx ends.
func (l *load) drive(ctx context.Context, m *member, p plan) {
	ticker := time.NewTicker(p.askEvery() / time.Duration(len(m.set)))
	defer ticker.Stop()
	for {
		c := m.set[rand.IntN(len(m.set))]
		l.asking.Go(func() {
			asked := time.Now()
			data, err := m.get(ctx, c.guid)
			if err == nil && c.guid != commonGUID && data["password"] != c.password {
				err = errWrong
			}
			l.count(asked, err)
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// count records the result of a request.
func (l *load) count(asked time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := &l.answered
	if err != nil {
		counts = &l.failed
		l.words[fmt.Sprintf("%v: %s", status.Code(err), status.Convert(err).Message())]++
	}
	add(counts, int(asked.Sub(l.begin)/l.step), 1)
}

// add adds n to an element of a slice, and extends the slice as needed.
func add[N int | float64](to *[]N, i int, n N) {
	for len(*to) <= i {
		*to = append(*to, 0)
	}
	(*to)[i] += n
}
