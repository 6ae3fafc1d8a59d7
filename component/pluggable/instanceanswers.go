package pluggable

import (
	"context"
	"time"
)

// withAnswersOf has Answers know where the answers of an instance are kept, for an Init
// that is under way until done is called. That is after the instance has its store: until then
// it is not remembered, and sweepAnswers would take its answers for nobody's.
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

// answersTimeout is how long the end of the process waits for answers to be written.
const answersTimeout = time.Second

// openAnswers has answers outlive the process, if the folder is in memory or encrypted.
func (s *Server[S]) openAnswers(state *stateFolder) {
	inMemory := checkInMemory(state.path) == nil
	if !inMemory && state.seal == nil {
		_ = state.root.RemoveAll(answersFolder) // of a process that had a key
		s.opts.Logger.Infof("last good answers do not outlive this process: %s is on a disk; "+
			"name a folder in memory (tmpfs) with --state-dir, or a key to encrypt them with (--state-key-file)", state.path)
		return
	}
	a, err := openAnswers(state, s.opts.Logger, systemMoments(), freeSpace)
	if err != nil {
		s.opts.Logger.Warnf("last good answers do not outlive this process: %v", err)
		return
	}
	s.answers, s.stores.answers, s.bindings.answers = a, a, a
}

// closeAnswers writes the answers that are waiting to be.
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
