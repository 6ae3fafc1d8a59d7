package main

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	_ "modernc.org/sqlite" // database/sql's "sqlite"

	"credential-resolver/test/harness"
)

// size is the number of credentials in the store, and how many of them are requested and
// therefore cached.
type size struct{ stored, cached int }

// grown is the result for a number of credentials.
type grown struct {
	size

	misses, hits loaded
}

// loaded is the result of one component under load.
type loaded struct {
	alone, many series // at 1 and at manyConnections
	resident    int64  // bytes, at the end
}

// manyConnections is a number of connections that puts the component under full load.
const manyConnections = 32

// manyGUID returns the GUID of one of many credentials, which share a bundle.
func manyGUID(i int) string { return manyPrefix + strconv.Itoa(i) }

const manyPrefix = "many-"

// growth measures with more and more credentials. Each measurement uses new processes. Either
// all requested credentials are cached, or none.
func (s *stores) growth(ctx context.Context, p plan) ([]grown, error) {
	plain := s.onFile(manyConfigs)
	if err := s.put(ctx, ours("many", plain, nil), manyGUID(0), bundleConfig()); err != nil {
		return nil, err
	}
	var all []grown
	for _, n := range p.sizes {
		progress("%d credentials, %d of them in the cache", n.stored, n.cached)
		if err := s.fillDatabase(ctx, n.stored); err != nil {
			return nil, err
		}
		g := grown{size: n}
		var err error
		if g.misses, err = s.load(ctx, ours(uncachedFile, plain, withoutCache()), n.cached, false, p); err != nil {
			return nil, err
		}
		held := map[string]string{"cacheTTL": "24h", "cacheMaxEntries": strconv.Itoa(n.cached), "cacheMaxBytes": "16Gi"}
		if g.hits, err = s.load(ctx, ours(cachedFile, plain, held), n.cached, true, p); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// fillDatabase copies the first config until there are n configs.
func (s *stores) fillDatabase(ctx context.Context, n int) error {
	db, err := sql.Open("sqlite", s.path(manyConfigs))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `
		WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i + 1 < ?)
		INSERT OR IGNORE INTO state (key, value, is_binary, etag, expiration_time, update_time)
		SELECT ? || i, value, is_binary, etag, expiration_time, update_time FROM state, number WHERE key = ?`,
		n, manyPrefix, manyGUID(0))
	return errors.Join(err, db.Close())
}

// load requests random ones of n credentials. If warm is set, it first requests each of them
// once, so that all are cached.
func (s *stores) load(ctx context.Context, component harness.Resource, n int, warm bool, p plan) (l loaded, err error) {
	side, err := s.startSidecar(ctx, []harness.Resource{component}, false)
	defer side.stop()
	if err != nil {
		return l, err
	}
	if warm {
		if err := side.askForEach(ctx, component.Name, n); err != nil {
			return l, err
		}
	}
	anyOfThem := []subject{{title: component.Name, op: func(ctx context.Context, c client, r *rand.Rand) error {
		return c.ask(ctx, step{secretsAPI, component.Name, manyGUID(r.IntN(n))})
	}}}
	for _, at := range []struct {
		connections int
		found       *series
	}{{1, &l.alone}, {manyConnections, &l.many}} {
		results, err := side.measure(ctx, setting{overGRPC, at.connections}, p, anyOfThem)
		if err != nil {
			return l, err
		}
		*at.found = results[""]
	}
	l.resident, err = residentBytes(side.component.Pid())
	return l, err
}

func (s *sidecar) askForEach(ctx context.Context, store string, n int) error {
	clients, err := newPool(s.daprd, overGRPC, manyConnections)
	if err != nil {
		return err
	}
	defer clients.close()
	var asked atomic.Int64
	_, err = clients.until(ctx, func(ctx context.Context, c client, _ *rand.Rand) error {
		i := min(int(asked.Add(1)), n) - 1
		return c.ask(ctx, step{secretsAPI, store, manyGUID(i)})
	}, func() bool { return asked.Load() >= int64(n) })
	return err
}
