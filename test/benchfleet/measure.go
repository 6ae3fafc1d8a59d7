package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// found is the result of a run.
type found struct {
	plan         plan
	spans        []span
	redis, vault []float64 // reads per second, by step
	refused      []float64 // connections per second to a store that was down, by step
	load         *load
	connections  []int // to Redis and to Vault, at rest

	rotation   []time.Duration // for each process, the time from the rotation to the new value
	rejections rejections      // the effect of reporting the old value as rejected
	restarts   []restart
	renewed    map[string][]time.Duration // by store: for each process, the time from the store's return to the value that was written during the outage
}

// measurement is a run in progress.
type measurement struct {
	*found

	stores     *stores
	fleet      *fleet
	begin      time.Time
	generation int // of the common bundle
}

// measure runs all phases while the fleet is in use.
func measure(ctx context.Context, s *stores, f *fleet, p plan) (*found, error) {
	begin := time.Now().Add(p.step())
	r := &measurement{
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
	r.refused = perSecond(append(s.redisProxy.refusals(), s.vaultProxy.refusals()...), begin, p.step())
	return r.found, err
}

func (r *measurement) phases(ctx context.Context) error {
	<-time.After(time.Until(r.begin))
	phases := []func() error{
		func() error { return r.during(ctx, coldStart, r.plan.ttls(1), nil) },
		func() error { return r.after(ctx, "it", settleTTLs) },
		func() error { return r.during(ctx, steadyState, r.plan.steady, nil) },
		func() error {
			r.connections = []int{r.stores.redisProxy.connections(), r.stores.vaultProxy.connections()}
			return nil
		},
		func() error { return r.during(ctx, "a rotation", r.plan.ttls(rotationTTLs), r.rotate) },
		func() error { return r.during(ctx, "what was rotated is rejected", 0, r.reject) },
		func() error { return r.outage(ctx, "Vault", r.stores.vaultProxy) },
		func() error { return r.outage(ctx, "Redis", r.stores.redisProxy) },
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

// after waits for a number of TTLs after an event. Each TTL is a phase.
func (r *measurement) after(ctx context.Context, what string, ttls int) error {
	for i := range ttls {
		if err := r.during(ctx, fmt.Sprintf("TTL %d after %s", i+1, what), r.plan.ttls(1), nil); err != nil {
			return err
		}
	}
	return nil
}

// during runs do, if it is not nil, and then waits until the phase has its minimum length.
func (r *measurement) during(ctx context.Context, name string, length time.Duration, do func(context.Context) error) error {
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
	// Wait until the end of a step, so that no step belongs to two phases.
	least := max(length, time.Since(r.begin)-s.from)
	s.to = s.from + (least + r.plan.step() - 1).Truncate(r.plan.step())
	r.spans = append(r.spans, s)
	select {
	case <-time.After(s.to - time.Since(r.begin)):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// outage stops a store's proxy for longer than the TTL. Meanwhile it writes a value directly to
// the store. That value shows when each process has fresh data again.
func (r *measurement) outage(ctx context.Context, store string, d *outageProxy) error {
	err := r.during(ctx, store+" is down", r.plan.ttls(outageTTLs), func(ctx context.Context) error {
		d.setDown(true)
		return r.write(ctx)
	})
	if err != nil {
		return err
	}
	d.setDown(false)
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
func (r *measurement) write(ctx context.Context) error {
	r.generation++
	return r.stores.write(ctx, commonGUID, generation(r.generation))
}
