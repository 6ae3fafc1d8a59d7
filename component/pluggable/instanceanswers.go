package pluggable

import (
	"context"
	"time"
)

// withAnswersOf returns a context for an Init, from which Answers reads the instance's store
// for answers. The caller calls done after the instance has its store. Until then the
// instance is not remembered, and sweepAnswers would otherwise remove its answers.
func (s *instances[T]) withAnswersOf(
	ctx context.Context, key instanceKey, properties map[string]string,
) (with context.Context, done func()) {
	if s.answers == nil || !key.peer.lasting() {
		return ctx, func() {}
	}
	store, done := s.answers.use(s.kind, key.name, properties)
	return withAnswers(ctx, store), done
}

// sweepAnswers removes the answers that belong to no instance any more.
func (s *instances[T]) sweepAnswers() {
	if s.answers == nil {
		return
	}
	s.answers.sweep(s.kind, func() map[string]bool {
		remembered := map[string]bool{}
		for _, in := range s.all() {
			if properties, initialised := in.remembered(); initialised && in.key.peer.lasting() {
				remembered[s.answers.contentOf(s.kind, in.key.name, properties)] = true
			}
		}
		return remembered
	})
}

// answersTimeout is how long a shutdown waits for answers to be written.
const answersTimeout = time.Second

// openAnswers makes answers outlive the process, if the state folder is in memory or
// encrypted (DESIGN.md, section 9).
func (s *Server[S]) openAnswers(state *stateFolder) {
	inMemory := checkInMemory(state.path) == nil
	if !inMemory && state.seal == nil {
		_ = state.root.RemoveAll(answersFolder) // left by a process that had a key
		s.opts.Logger.Infof("last good answers will not outlive this process: %s is on a disk; "+
			"set --state-dir to a folder in memory (tmpfs), or set --state-key-file to encrypt them", state.path)
		return
	}
	a, err := openAnswers(state, s.opts.Logger, systemMoments(), freeSpace)
	if err != nil {
		s.opts.Logger.Warnf("last good answers will not outlive this process: %v", err)
		return
	}
	s.answers, s.stores.answers, s.bindings.answers = a, a, a
}

// closeAnswers writes the answers that are still queued, within answersTimeout.
func (s *Server[S]) closeAnswers() {
	if s.answers != nil {
		s.answers.close(answersTimeout)
	}
}

// expireAnswers removes the answers that are too old.
func (s *Server[S]) expireAnswers() {
	if s.answers != nil {
		s.answers.expire()
	}
}
