package pluggable

import (
	"cmp"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dapr/kit/logger"

	"credential-resolver/internal/owned"
)

// answersFolder is the folder of the answers, beside the records. It has a folder for
// each content: a Component with its metadata.
const answersFolder = "answers"

// answers are those of all instances. One goroutine writes and removes their files.
type answers struct {
	state *stateFolder
	seal  *sealer
	log   logger.Logger
	now   moments
	free  func(folder string) int64 // see freeSpace
	root  atomic.Pointer[owned.Dir]
	done  chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // never held while a file is touched
	changed *sync.Cond // what the goroutine waits for, and tells
	index   answerIndex
	queue   answerQueue
	working string              // the path that the goroutine works on
	live    map[string]bool     // contents that may be written; false: of an earlier process
	opening map[string]int      // contents of Inits under way
	stuck   map[string]struct{} // paths that could not be removed, to be tried again
	failing bool                // whether the last file could not be written
	started bool                // whether the files of an earlier process have been looked through
	closed  bool
}

// openAnswers opens the answers of an earlier process, and removes what is none.
func openAnswers(
	state *stateFolder, log logger.Logger, now moments, free func(folder string) int64,
) (*answers, error) {
	root, err := state.root.Private(answersFolder)
	if err != nil {
		return nil, err
	}
	a := &answers{
		state: state, seal: state.seal, log: log, now: now, free: free, done: make(chan struct{}),
		index: newAnswerIndex(), queue: newAnswerQueue(),
		live: map[string]bool{}, opening: map[string]int{}, stuck: map[string]struct{}{},
	}
	a.changed = sync.NewCond(&a.mu)
	a.root.Store(root)
	a.scan()
	go a.run()
	return a, nil
}

// scan indexes the files of an earlier process.
func (a *answers) scan() {
	type found struct {
		path string
		info fs.FileInfo
	}
	var files []found
	root := a.root.Load()
	err := fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			a.live[path] = false // unless an instance says otherwise
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			files = append(files, found{path, info})
		}
		return err
	})
	if err != nil {
		a.log.Warnf("the last good answers of an earlier process cannot all be read: %v", err)
	}
	slices.SortFunc(files, func(x, y found) int {
		return cmp.Or(x.info.ModTime().Compare(y.info.ModTime()), cmp.Compare(x.path, y.path))
	})
	for _, f := range files {
		if strings.HasPrefix(f.info.Name(), unfinished) {
			a.discard(f.path, nil)
			continue
		}
		answer, err := a.read(f.path)
		if err != nil {
			a.discard(f.path, err)
			continue
		}
		if _, ok := a.now.age(answer.read()); !ok {
			a.discard(f.path, nil)
			continue
		}
		a.mu.Lock()
		a.add(f.path, f.info.Size(), untilOf(answer.read(), answer.MaxAge))
		a.mu.Unlock()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.started = true
}

// untilOf is when an answer is too old.
func untilOf(read moment, maxAge time.Duration) moment {
	return moment{read.boot, read.at + min(int64(maxAge), math.MaxInt64-read.at)}
}

// add adds a file to the index, and removes those that must go for it. The caller has the
// lock.
func (a *answers) add(path string, size int64, until moment) {
	for _, evicted := range a.index.add(path, size, until) {
		a.remove(evicted)
	}
}

// remove has a path removed. The caller has the lock.
func (a *answers) remove(path string) {
	a.index.remove(path)
	a.queue.removes[path] = struct{}{}
	a.changed.Broadcast()
}

// discard has a file removed that is no answer, and says why; nil: that is usual.
func (a *answers) discard(path string, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(path)
	switch {
	case errors.Is(why, errOtherKey) && !a.started:
		a.state.otherKey.Add(1) // which is told once
	case why != nil:
		a.log.Warnf("the last good answer in %s is removed: %v", filepath.Join(a.root.Load().Path(), path), why)
	}
}

// save has an answer written, unless its content is no instance's any more.
func (a *answers) save(content, path string, p *pendingAnswer) {
	p.path = path
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed || !a.live[content]:
	case !a.queue.save(p):
		a.remove(path) // rather nothing than what it was before
	default:
		a.changed.Broadcast()
	}
}

// delete has an answer removed, if there is one.
func (a *answers) delete(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue.drop(path)
	if a.working == path || a.index.has(path) {
		a.remove(path)
	}
}

// paths returns the paths of a content's answers.
func (a *answers) paths(content string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.index.paths(content)
}

// sweep removes the answers of one kind of instances that belong to none of those that are
// remembered. It asks for those under its lock: an Init that ends meanwhile counts.
func (a *answers) sweep(kind string, rememberedNow func() map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	remembered := rememberedNow()
	for content := range a.live {
		if strings.HasPrefix(content, kind+"-") && !remembered[content] && a.opening[content] == 0 {
			delete(a.live, content)
			a.queue.dropContent(content)
			for _, path := range a.index.paths(content) {
				a.index.remove(path)
			}
			a.remove(content)
		}
	}
}

// expire removes the answers that are too old, and tries again to remove what could not be.
func (a *answers) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for path := range a.stuck {
		delete(a.stuck, path)
		a.remove(path)
	}
	for _, path := range a.index.expired(a.now) {
		a.remove(path)
	}
}

// close writes and removes what is waiting, as far as a time allows.
func (a *answers) close(limit time.Duration) {
	a.mu.Lock()
	a.closed = true
	a.changed.Broadcast()
	a.mu.Unlock()
	if !within(limit, func() { <-a.done }) {
		a.log.Warn("not all last good answers were written in time: those do not outlive the process")
		return
	}
	_ = a.root.Load().Close()
}
