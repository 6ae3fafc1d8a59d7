package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// found is what a run found.
type found struct {
	plan         plan
	spans        []span
	redis, vault []float64 // reads a second, by step
	knocks       []float64 // connections a second that came to a store that was down, by step
	load         *load
	connections  []int // to Redis and to Vault, at rest

	rotation   []time.Duration // from a rotation until each process had the new value
	rejections rejections      // what it caused that the old value was reported
	restarts   []restart
	renewed    map[string][]time.Duration // from a store's return until each process had what was written before, by store
}

// course is a run that is under way.
type course struct {
	*found

	stores     *stores
	fleet      *fleet
	begin      time.Time
	generation int // of the common bundle
}

// measure takes the fleet through all its phases, while it is in use.
func measure(ctx context.Context, s *stores, f *fleet, p plan) (*found, error) {
	begin := time.Now().Add(p.step())
	r := &course{
		found:  &found{plan: p, load: newLoad(begin, p), renewed: map[string][]time.Duration{}},
		stores: s, fleet: f, begin: begin,
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beside, within := errgroup.WithContext(ctx)
	beside.Go(func() error {
		readings, err := watchRedis(within, s.redis, begin, p.step())
		r.redis = betweenReadings(readings, begin, p.step())
		return err
	})
	for _, m := range f.members {
		beside.Go(func() error {
			<-time.After(time.Until(begin))
			if err := m.init(within); err != nil {
				return err
			}
			r.load.drive(within, m, p)
			return nil
		})
	}
	err := r.phases(within)
	stop()
	err = errors.Join(err, beside.Wait())
	r.load.asking.Wait()
	if err != nil {
		return nil, err
	}
	common, err := s.vault.ReadTimes(vaultPath + commonGUID)
	if err != nil {
		return nil, err
	}
	r.rejections.count(common)
	times, err := s.vault.ReadTimes(vaultPath)
	r.vault = perSecond(times, begin, p.step())
	r.knocks = perSecond(append(s.redisDoor.knocked(), s.vaultDoor.knocked()...), begin, p.step())
	return r.found, err
}

func (r *course) phases(ctx context.Context) error {
	<-time.After(time.Until(r.begin))
	phases := []func() error{
		func() error { return r.during(ctx, coldStart, r.plan.ttls(1), nil) },
		func() error { return r.after(ctx, "it", settleTTLs) },
		func() error { return r.during(ctx, steadyState, r.plan.steady, nil) },
		func() error {
			r.connections = []int{r.stores.redisDoor.connections(), r.stores.vaultDoor.connections()}
			return nil
		},
		func() error { return r.during(ctx, "a rotation", r.plan.ttls(rotationTTLs), r.rotate) },
		func() error { return r.during(ctx, "what was rotated is rejected", 0, r.reject) },
		func() error { return r.outage(ctx, "Vault", r.stores.vaultDoor) },
		func() error { return r.outage(ctx, "Redis", r.stores.redisDoor) },
		func() error { return r.restart(ctx, true) },
		func() error { return r.restart(ctx, false) },
	}
	for _, phase := range phases {
		if err := phase(); err != nil {
			return err
		}
	}
	return nil
}

// after waits for a number of TTLs after something, each a phase.
func (r *course) after(ctx context.Context, what string, ttls int) error {
	for i := range ttls {
		if err := r.during(ctx, fmt.Sprintf("TTL %d after %s", i+1, what), r.plan.ttls(1), nil); err != nil {
			return err
		}
	}
	return nil
}

// during does something, nil for nothing, and waits until the phase is as long as it
// should be at least.
func (r *course) during(ctx context.Context, name string, length time.Duration, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	progress("%s", name)
	s := span{name: name, from: time.Since(r.begin).Truncate(r.plan.step())}
	if do != nil {
		if err := do(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	// To the end of a step, so that none is of two phases.
	least := max(length, time.Since(r.begin)-s.from)
	s.to = s.from + (least + r.plan.step() - 1).Truncate(r.plan.step())
	r.spans = append(r.spans, s)
	select {
	case <-time.After(s.to - time.Since(r.begin)):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// outage shuts a store's door for longer than the TTL. A value that is written
// meanwhile, past the door, shows when each process has one that is new.
func (r *course) outage(ctx context.Context, store string, d *door) error {
	err := r.during(ctx, store+" is down", r.plan.ttls(outageTTLs), func(ctx context.Context) error {
		d.setShut(true)
		return r.write(ctx)
	})
	if err != nil {
		return err
	}
	d.setShut(false)
	var renewal errgroup.Group
	back := time.Now()
	renewal.Go(func() (err error) {
		r.renewed[store], err = r.awaitGeneration(ctx, back)
		return err
	})
	err = r.after(ctx, store+" is back", recoveryTTLs)
	return errors.Join(err, renewal.Wait())
}

// write writes the next value of the common bundle.
func (r *course) write(ctx context.Context) error {
	r.generation++
	return r.stores.write(ctx, commonGUID, generation(r.generation))
}
