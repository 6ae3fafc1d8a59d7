package pluggable

import (
	"context"
	"io"
	"sync"
)

// remember writes down what an instance was initialised with, for the process
// after this one. That it cannot is no reason to refuse daprd.
func (s *instances[T]) remember(key instanceKey, properties map[string]string) {
	if s.state == nil || !key.peer.lasting() {
		return
	}
	if err := s.state.save(s.kind, key, properties); err != nil {
		s.log.Warnf("%s: instance %q will not outlive this process: %v", s.kind, key.name, err)
		s.disremember(key) // rather nothing than what it was before
	}
}

// disremember removes what remember wrote.
func (s *instances[T]) disremember(key instanceKey) {
	if s.state == nil || !key.peer.lasting() {
		return
	}
	if err := s.state.remove(s.kind, key); err != nil {
		s.log.Warnf("%s: what is remembered of instance %q could not be removed: %v", s.kind, key.name, err)
	}
}

// restore brings an instance of an earlier process back, as far as its daprd still
// lives. Its store opens beside the others', in restoring; if it cannot, the
// next call tries again.
func (s *instances[T]) restore(ctx context.Context, r record, restoring *sync.WaitGroup) {
	key := r.key()
	in, err := s.begin(key)
	if err != nil {
		s.log.Warnf("%s: instance %q of %s is not restored: %v", s.kind, key.name, key.peer, err)
		s.disremember(key)
		return
	}
	in.mu.Lock()
	in.properties, in.initialised = r.Properties, true
	in.mu.Unlock()
	restoring.Go(func() {
		defer s.end(in)
		if in.lock(ctx) == nil {
			defer in.unlock()
			_ = s.reopen(ctx, in, nil) // it is logged
		}
	})
}

// restorer is the instances of one kind.
type restorer interface {
	restore(ctx context.Context, r record, restoring *sync.WaitGroup)
}

var _ restorer = (*instances[io.Closer])(nil)

// restore brings the instances of an earlier process back before daprd sees this
// one, and gives their stores a moment to open.
func (s *Server[S]) restore(ctx context.Context) {
	state, err := openState(s.opts.StateFolder, socketPath(s.opts), s.opts.StateOnDisk, s.seal)
	if err != nil {
		s.opts.Logger.Warnf("instances will not outlive this process, and after a restart of it daprd must be restarted too: %v; "+
			"name a folder in memory (tmpfs) with --state-dir", err)
		return
	}
	s.stores.state, s.bindings.state = state, state
	s.openAnswers(state)
	kinds := map[string]restorer{s.stores.kind: s.stores, s.bindings.kind: s.bindings}
	var restoring sync.WaitGroup
	records := state.load(func(file string, why error) {
		s.opts.Logger.Warnf("what an earlier process left in %s is ignored: %v", file, why)
	})
	for _, r := range records {
		if r.single() != s.opts.SingleDaprd { // the flag has changed: nobody comes back to it
			_ = state.remove(r.Kind, r.key())
			continue
		}
		if kind, ok := kinds[r.Kind]; ok {
			kind.restore(ctx, r, &restoring)
		}
	}
	s.stores.sweepAnswers()
	s.bindings.sweepAnswers()
	if n := state.otherKey.Load(); n > 0 {
		s.opts.Logger.Warnf("%d files of an earlier process cannot be decrypted, and are removed: they are damaged, or --state-key-file has changed; "+
			"if it has, restart the daprds that were running", n)
	}
	within(2*reopenTimeout, restoring.Wait)
}
