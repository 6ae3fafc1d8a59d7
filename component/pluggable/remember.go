package pluggable

import (
	"context"
	"io"
	"sync"
)

// remember saves the properties of an instance for the next process. If that fails, it only
// logs a warning: the failure is no reason to refuse daprd's Init.
func (s *instances[T]) remember(key instanceKey, properties map[string]string) {
	if s.state == nil || !key.peer.lasting() {
		return
	}
	if err := s.state.save(s.kind, key, properties); err != nil {
		s.log.Warnf("%s: instance %q will not outlive this process: %v", s.kind, key.name, err)
		s.disremember(key) // no record is better than an outdated one
	}
}

// disremember removes the record that remember saved.
func (s *instances[T]) disremember(key instanceKey) {
	if s.state == nil || !key.peer.lasting() {
		return
	}
	if err := s.state.remove(s.kind, key); err != nil {
		s.log.Warnf("%s: the record of instance %q could not be removed: %v", s.kind, key.name, err)
	}
}

// restore brings back an instance of an earlier process. Its store opens in parallel with
// other stores, counted in restoring. If it cannot open, the next call tries again.
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
			_ = s.reopen(ctx, in, nil) // reopen logs the error
		}
	})
}

// restorer restores instances of one kind.
type restorer interface {
	restore(ctx context.Context, r record, restoring *sync.WaitGroup)
}

var _ restorer = (*instances[io.Closer])(nil)

// restore brings back the instances of an earlier process before daprd sees this one. It
// waits a short time for their stores to open.
func (s *Server[S]) restore(ctx context.Context) {
	state, err := openState(s.opts.StateFolder, socketPath(s.opts), s.opts.StateOnDisk, s.seal)
	if err != nil {
		s.opts.Logger.Warnf("instances will not outlive this process, so daprd must be restarted after a restart of the component: %v; "+
			"set --state-dir to a folder in memory (tmpfs)", err)
		return
	}
	s.stores.state, s.bindings.state = state, state
	s.openAnswers(state)
	kinds := map[string]restorer{s.stores.kind: s.stores, s.bindings.kind: s.bindings}
	var restoring sync.WaitGroup
	records := state.load(func(file string, why error) {
		s.opts.Logger.Warnf("the file %s of an earlier process is ignored: %v", file, why)
	})
	for _, r := range records {
		if r.single() != s.opts.SingleDaprd { // the flag has changed: no daprd comes back to this instance
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
		s.opts.Logger.Warnf("%d files of an earlier process cannot be decrypted, and are removed: they are damaged, or the key of --state-key-file has changed; "+
			"if the key has changed, restart each daprd that was running", n)
	}
	within(2*reopenTimeout, restoring.Wait)
}
