package component

import (
	"slices"
	"strings"
	"sync"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/cache"
)

// StatusReporter is a store that knows its state. A store that does not is not reported.
type StatusReporter interface {
	// Status returns the store's state. It does not call the store.
	Status() store.Status
}

// InstanceStatus is the state of one instance.
type InstanceStatus struct {
	// Component is the name of the Component. Several daprds may use the same name.
	Component string
	// Stores are the instance's stores, by label.
	Stores []store.Status
}

// liveInstances are the instances that are initialised and not closed.
type liveInstances struct {
	mu  sync.Mutex
	all map[*SecretStore]struct{}
}

func newLiveInstances() *liveInstances {
	return &liveInstances{all: map[*SecretStore]struct{}{}}
}

func (l *liveInstances) add(s *SecretStore) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[s] = struct{}{}
}

func (l *liveInstances) remove(s *SecretStore) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, s)
}

func (l *liveInstances) list() []*SecretStore {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*SecretStore, 0, len(l.all))
	for s := range l.all {
		all = append(all, s)
	}
	return all
}

// Status returns the state of each instance, by the name of its Component.
func (c *Component) Status() []InstanceStatus {
	var all []InstanceStatus
	for _, s := range c.live.list() {
		all = append(all, InstanceStatus{Component: s.events.component, Stores: s.stores.status()})
	}
	slices.SortFunc(all, func(a, b InstanceStatus) int { return strings.Compare(a.Component, b.Component) })
	return all
}

// status returns the state of each store that knows it, by label.
func (s *Stores) status() []store.Status {
	var all []store.Status
	add := func(one any) {
		if r, ok := one.(StatusReporter); ok {
			all = append(all, r.Status())
		}
	}
	add(s.Configs)
	add(s.Secrets)
	for _, secrets := range s.Named {
		add(secrets)
	}
	slices.SortFunc(all, func(a, b store.Status) int { return strings.Compare(a.Label, b.Label) })
	return all
}

// cached returns how many credentials all caches of the process hold, and their estimated size
// in bytes. A cache outlives its instances.
func (c *Component) cached() (entries int, bytes int64) {
	add := func(kept *cache.Cache) {
		n, size := kept.Usage()
		entries, bytes = entries+n, bytes+size
	}
	for _, kept := range c.memory.caches.values() {
		add(kept.Cache)
	}
	for _, s := range c.live.list() {
		if s.own {
			add(s.cache)
		}
	}
	return entries, bytes
}
