package main

import (
	"context"
	"math/rand/v2"
	"slices"
)

// The APIs of daprd that a step may use.
const (
	secretsAPI = "secrets"
	stateAPI   = "state"
)

// step is one request to daprd: a name in a store.
type step struct{ api, store, name string }

// operation is the measured unit: what an application does to get one credential.
type operation func(ctx context.Context, c client, r *rand.Rand) error

// subject is one way to get a credential. The subjects of one measurement take turns.
type subject struct {
	id    string // short, for ratios
	title string
	op    operation
	probe step              // a request that op makes
	want  map[string]string // its expected answer; nil: any non-empty answer
}

// asks returns the operation that makes these requests one after another.
func asks(steps ...step) operation {
	return func(ctx context.Context, c client, _ *rand.Rand) error {
		for _, s := range steps {
			if err := c.ask(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// one returns a subject with one request to the secrets API.
func one(id, title, store, name string, want map[string]string) subject {
	s := step{secretsAPI, store, name}
	return subject{id: id, title: title, op: asks(s), probe: s, want: want}
}

// The ids of the subjects that are compared.
const (
	floor      = "a"
	hit        = "b"
	hitSix     = "b6"
	missFile   = "c"
	missVault  = "d"
	missSix    = "d6"
	oldWay     = "e"
	oldWaySix  = "e6"
	oldConfig  = "e1"
	oldSecret  = "e2"
	daprdsFile = "f"
)

// sideBySide returns the subjects that are compared. The old way is what a client library did:
// read the config, and then the secrets one by one.
func sideBySide() []subject {
	old := []step{{stateAPI, stateStore, bundleGUID}, {secretsAPI, vaultStore, bundleGUID}}
	oldSix := []step{{stateAPI, stateStore, sixGUID}}
	for _, name := range sixFields() {
		oldSix = append(oldSix, step{secretsAPI, vaultStore, secretOf(name)})
	}
	return []subject{
		one(floor, "a constant component", constantName, bundleGUID, bundleAnswer()),
		one(hit, "ours, a hit", cachedFile, bundleGUID, bundleAnswer()),
		one(hitSix, "ours, a hit, single-key", cachedVault, sixGUID, sixAnswer()),
		one(missFile, "ours, a miss, SQLite and a file", uncachedFile, bundleGUID, bundleAnswer()),
		one(missVault, "ours, a miss, Redis and Vault", uncachedVault, bundleGUID, bundleAnswer()),
		one(missSix, "ours, a miss, Redis and Vault, single-key", uncachedVault, sixGUID, sixAnswer()),
		{id: oldWay, title: "the old way, Redis and Vault", op: asks(old...), probe: old[1]},
		{id: oldWaySix, title: "the old way, Redis and Vault, single-key", op: asks(oldSix...), probe: oldSix[1]},
		{id: oldConfig, title: "the first half of (e): Redis", op: asks(old[0]), probe: old[0]},
		{id: oldSecret, title: "the second half of (e): Vault", op: asks(old[1]), probe: old[1]},
		one(daprdsFile, "daprd's own file store", fileStore, bundleGUID, bundleAnswer()),
	}
}

// usesComponent reports whether a component takes part in a subject, or only daprd's own stores.
func (s subject) usesComponent() bool {
	return !slices.Contains([]string{oldWay, oldWaySix, oldConfig, oldSecret, daprdsFile}, s.id)
}

// portion is a part of the latency of an operation: that of one subject, less that of another ("": of
// none).
type portion struct{ of, less, title string }

// portions explain what a miss and the old way spend their time with.
func portions() []portion {
	return []portion{
		{missVault, "", "a miss, in all"},
		{daprdsFile, "", "of this: daprd, and the application's request to it"},
		{floor, daprdsFile, "of this: from daprd to a component and back, over the socket"},
		{missVault, floor, "of this: the component, with Redis and Vault"},
		{oldWay, "", "the old way, in all"},
		{daprdsFile, "", "of this, twice: daprd, and the application's request to it"},
		{oldConfig, daprdsFile, "of this: daprd's own read of Redis"},
		{oldSecret, daprdsFile, "of this: daprd's own read of Vault"},
	}
}

// comparison is a ratio of two request rates.
type comparison struct{ of, to, title string }

func comparisons() []comparison {
	return []comparison{
		{hit, floor, "a hit to the floor"},
		{hit, oldWay, "a hit to the old way"},
		{hitSix, oldWaySix, "a hit to the old way, single-key"},
		{missVault, oldWay, "a miss to the old way"},
		{missSix, oldWaySix, "a miss to the old way, single-key"},
		{missFile, floor, "a miss on SQLite and a file to the floor"},
		{daprdsFile, floor, "daprd's own file store to the floor"},
	}
}
