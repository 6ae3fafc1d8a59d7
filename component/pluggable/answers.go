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

// Answer is an answer to keep beyond the life of this process.
type Answer struct {
	// Name is the name of what was asked for. One answer is kept for each name.
	Name string
	// ReadAt is the time at which the answer was correct. Its age counts from then.
	ReadAt time.Time
	// MaxAge is the age after which the answer is removed.
	MaxAge time.Duration
	// Size is about the number of bytes that Encode returns.
	Size int
	// Encode returns the answer's text. It is called at most once, later, on another
	// goroutine.
	Encode func() ([]byte, error)
}

// KeptAnswer is an answer that an earlier process kept.
type KeptAnswer struct {
	ReadAt time.Time // when it was correct, by this process's clock
	Text   []byte

	all  *answers
	path string
}

// Discard removes an answer whose text cannot be used, and logs why. The reason must contain
// nothing of the text.
func (k KeptAnswer) Discard(why error) { k.all.discard(k.path, why) }

// AnswerStore keeps the answers of the instances of one Component. It keeps them as long as
// an instance with the same metadata is remembered. It is safe for concurrent use. Save and
// Delete return at once: the files are written and removed in the background.
type AnswerStore struct {
	all     *answers
	content string
}

type answersContextKey struct{}

// withAnswers returns a context for which Answers returns store.
func withAnswers(ctx context.Context, store *AnswerStore) context.Context {
	return context.WithValue(ctx, answersContextKey{}, store)
}

// Answers returns the store for the answers of the instance that an Init is for. Instances
// with the same kind, name and metadata share their answers. It returns nil if the instance
// does not outlive this process, or if its answers must not (DESIGN.md, section 9).
func Answers(ctx context.Context) *AnswerStore {
	store, _ := ctx.Value(answersContextKey{}).(*AnswerStore)
	return store
}

// Save keeps an answer in place of an earlier one with the same name.
func (s *AnswerStore) Save(answer Answer) {
	path := s.path(answer.Name)
	if answer.Size > maxAnswer {
		s.all.delete(path)
		return
	}
	s.all.save(s.content, path, &pendingAnswer{Answer: answer, read: s.all.now.of(answer.ReadAt)})
}

// Delete removes the answer for a name. The removal comes before all writes that still
// wait, also those that were saved earlier.
func (s *AnswerStore) Delete(name string) { s.all.delete(s.path(name)) }

func (s *AnswerStore) path(name string) string {
	return filepath.Join(s.content, s.all.seal.hash("answer", name))
}

// Load returns the kept answers that are not too old. It removes files that are not valid
// answers.
func (s *AnswerStore) Load() []KeptAnswer {
	var kept []KeptAnswer
	for _, path := range s.all.paths(s.content) {
		file, err := s.all.read(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // otherwise it was removed meanwhile
				s.all.discard(path, err)
			}
			continue
		}
		if age, ok := s.all.now.age(file.read()); ok && age <= file.MaxAge {
			kept = append(kept, KeptAnswer{ReadAt: time.Now().Add(-age), Text: file.text, all: s.all, path: path})
		}
	}
	return kept
}

// use returns the store for the answers of an instance, for an Init under way. The caller
// calls done when the Init has ended.
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

// contentOf returns the name of the folder for a Component's answers. The name depends on
// the metadata, because other metadata may lead to other answers.
func (a *answers) contentOf(kind, name string, properties map[string]string) string {
	parts := []string{"content", kind, name}
	for _, property := range slices.Sorted(maps.Keys(properties)) {
		parts = append(parts, property, properties[property])
	}
	return kind + "-" + a.seal.hash(parts...)
}
