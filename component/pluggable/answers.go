package pluggable

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"
)

// Answer is an answer that is to outlive the process.
type Answer struct {
	// Name is what it answers: one answer is kept for each name.
	Name string
	// ReadAt is when it was true. Its age counts from then.
	ReadAt time.Time
	// MaxAge is how old it may become: after that it is removed.
	MaxAge time.Duration
	// Size is about as many bytes as Encode returns.
	Size int
	// Encode returns its text. It is called at most once, later, on another goroutine.
	Encode func() ([]byte, error)
}

// KeptAnswer is an answer of an earlier process.
type KeptAnswer struct {
	ReadAt time.Time // when it was true, by this process's clock
	Text   []byte
}

// AnswerStore keeps the answers of the instances of one Component, as long as an
// instance with the same metadata is remembered. It is safe for concurrent use. Save and
// Delete return at once: the files are written and removed in the background.
type AnswerStore struct {
	all     *answers
	content string
}

type answersContextKey struct{}

// withAnswers has Answers know where the answers of an instance are kept; nil: nowhere.
func withAnswers(ctx context.Context, store *AnswerStore) context.Context {
	return context.WithValue(ctx, answersContextKey{}, store)
}

// Answers returns what keeps the answers of the instance that an Init is for. Instances
// of one kind, name and metadata share it. Nil: the instance does not outlive this
// process, or its answers must not (DESIGN.md, section 9).
func Answers(ctx context.Context) *AnswerStore {
	store, _ := ctx.Value(answersContextKey{}).(*AnswerStore)
	return store
}

// Save keeps an answer in place of an earlier one of the name.
func (s *AnswerStore) Save(answer Answer) {
	path := s.path(answer.Name)
	if answer.Size > maxAnswer {
		s.all.delete(path)
		return
	}
	s.all.save(s.content, path, &pendingAnswer{Answer: answer, read: s.all.now.of(answer.ReadAt)})
}

// Delete removes the answer of a name. It is done before answers are written that were
// saved before.
func (s *AnswerStore) Delete(name string) { s.all.delete(s.path(name)) }

func (s *AnswerStore) path(name string) string {
	return filepath.Join(s.content, s.all.seal.hash("answer", name))
}

// Load returns the answers that are kept and not too old. It removes a file that is
// none.
func (s *AnswerStore) Load() []KeptAnswer {
	var kept []KeptAnswer
	for _, path := range s.all.paths(s.content) {
		file, err := s.all.read(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // else it was removed meanwhile
				s.all.discard(path, err)
			}
			continue
		}
		if age, ok := s.all.now.age(file.read()); ok && age <= file.MaxAge {
			kept = append(kept, KeptAnswer{ReadAt: time.Now().Add(-age), Text: file.text})
		}
	}
	return kept
}

// use returns the answers of an instance, for an Init that is under way until done is
// called.
func (a *answers) use(kind, name string, properties map[string]string) (store *AnswerStore, done func()) {
	content := a.contentOf(kind, name, properties)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opening[content]++
	a.live[content] = true
	return &AnswerStore{a, content}, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.opening[content]--; a.opening[content] == 0 {
			delete(a.opening, content)
		}
	}
}

// contentOf names the folder for the answers of a Component: with other metadata they may
// be others.
func (a *answers) contentOf(kind, name string, properties map[string]string) string {
	parts := []string{"content", kind, name}
	for _, property := range slices.Sorted(maps.Keys(properties)) {
		parts = append(parts, property, properties[property])
	}
	return kind + "-" + a.seal.hash(parts...)
}
