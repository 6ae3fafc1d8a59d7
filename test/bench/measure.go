package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"credential-resolver/test/harness"
)

// warmUp is how long each subject runs before its first round, to open connections and fill
// caches.
const warmUp = 100 * time.Millisecond

// setting is the setting in which subjects are compared.
type setting struct {
	protocol    string
	connections int
}

// series is the results of all rounds of one subject in one setting.
type series []sample

// results are the series by setting and by the subject's id.
type results map[setting]map[string]series

// measure lets the subjects take turns in one setting, so that other load on the machine
// affects all of them.
func (side *sidecar) measure(ctx context.Context, at setting, p plan, subjects []subject) (map[string]series, error) {
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
			s := subjects[(i+round)%len(subjects)] // the order changes each round
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

// verify requests each subject once and checks the answer.
func verify(ctx context.Context, daprd *harness.Daprd, subjects []subject) error {
	c := httpClient{daprd, &http.Transport{}}
	defer c.close()
	for _, s := range subjects {
		if s.probe.api != secretsAPI { // its operation makes sure that the answer is not empty
			continue
		}
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
