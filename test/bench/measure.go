package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"credential-resolver/test/harness"
)

// warmUp is how long each subject runs before its first round, so that connections
// are made and caches filled.
const warmUp = 100 * time.Millisecond

// place is where subjects are compared.
type place struct {
	protocol    string
	connections int
}

// series is what the rounds of one subject in one place gave.
type series []sample

// results are the series of subjects, by place and id.
type results map[place]map[string]series

// measure has the subjects take turns in one place, so that what else the machine
// does hits all of them.
func (side *sidecar) measure(ctx context.Context, at place, p plan, subjects []subject) (map[string]series, error) {
	clients, err := newPool(side.daprd, at.protocol, at.connections)
	if err != nil {
		return nil, err
	}
	defer clients.close()
	for _, s := range subjects {
		if _, err := clients.run(ctx, warmUp, s.op); err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
	}
	found := map[string]series{}
	for round := range p.rounds {
		for i := range subjects {
			s := subjects[(i+round)%len(subjects)] // nobody always comes after the same
			before := side.used()
			sample, err := clients.run(ctx, p.round(), s.op)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.title, err)
			}
			sample.used = side.used() - before
			found[s.id] = append(found[s.id], sample)
		}
	}
	return found, nil
}

// verify asks each subject once, and judges the answer.
func verify(ctx context.Context, daprd *harness.Daprd, subjects []subject) error {
	c := httpClient{daprd, &http.Transport{}}
	defer c.close()
	for _, s := range subjects {
		answer, err := c.secret(ctx, s.probe)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", s.title, err)
		case len(answer) == 0, s.want != nil && !maps.Equal(answer, s.want):
			return fmt.Errorf("%s: not the answer that it should be, of %d entries", s.title, len(answer))
		}
	}
	return nil
}
