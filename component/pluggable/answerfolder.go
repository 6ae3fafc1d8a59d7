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

// answersFolder is the name of the folder for answers, next to the records. It contains one
// folder for each content. A content is a Component with its metadata.
const answersFolder = "answers"

// answers holds the last good answers of all instances. One goroutine writes and removes
// the files.
type answers struct {
	state *stateFolder
	seal  *sealer
	log   logger.Logger
	now   moments
	free  func(folder string) int64 // see freeSpace
	root  atomic.Pointer[owned.Dir]
	done  chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // never held while a file is touched
	changed *sync.Cond // signals new work to the goroutine, and that all work is done
	index   answerIndex
	queue   answerQueue
	working string              // the path that the goroutine works on
	live    map[string]bool     // contents that an instance uses, or that an earlier process left
	opening map[string]int      // how many Inits under way use each content
	stuck   map[string]struct{} // paths that could not be removed; expire tries again
	failing bool                // whether the last write failed
	started bool                // whether scan has finished
	closed  bool
}

// openAnswers opens the folder of the answers, and starts the goroutine that writes and
// removes files. It indexes the answers of an earlier process, and removes files that are
// not valid answers.
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

// scan indexes the answers of an earlier process, the oldest first. It removes unfinished
// files, files that are not valid answers, and answers from before the last boot.
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
			a.live[path] = true
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			files = append(files, found{path, info})
		}
		return err
	})
	if err != nil {
		a.log.Warnf("some last good answers of an earlier process cannot be read: %v", err)
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

// untilOf returns when an answer becomes too old: maxAge after read.
func untilOf(read moment, maxAge time.Duration) moment {
	return moment{read.boot, read.at + min(int64(maxAge), math.MaxInt64-read.at)}
}

// add adds a file to the index, and removes the files that it evicts. The caller holds the
// lock.
func (a *answers) add(path string, size int64, until moment) {
	for _, evicted := range a.index.add(path, size, until) {
		a.remove(evicted)
	}
}

// remove takes path out of the index and queues its removal. The path is a file or the
// folder of a content. The caller holds the lock.
func (a *answers) remove(path string) {
	a.index.remove(path)
	a.queue.removes[path] = struct{}{}
	a.changed.Broadcast()
}

// discard removes a file that is not a usable answer, and logs why. If why is nil, the case
// is a normal one and nothing is logged.
func (a *answers) discard(path string, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(path)
	switch {
	case errors.Is(why, errOtherKey) && !a.started:
		a.state.otherKey.Add(1) // Server.restore logs the count once
	case why != nil:
		a.log.Warnf("the last good answer in %s is removed: %v", filepath.Join(a.root.Load().Path(), path), why)
	}
}

// save queues an answer to be written, unless no instance uses its content any more. If the
// queue is full, it removes the old file instead.
func (a *answers) save(content, path string, p *pendingAnswer) {
	p.path = path
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed || !a.live[content]:
	case !a.queue.save(p):
		a.remove(path) // no answer is better than an outdated one
	default:
		a.changed.Broadcast()
	}
}

// delete removes the answer at path: the queued one and the file, if they exist.
func (a *answers) delete(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue.drop(path)
	if a.working == path || a.index.has(path) {
		a.remove(path)
	}
}

// paths returns the paths of the answer files of a content.
func (a *answers) paths(content string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.index.paths(content)
}

// sweep removes the answers of a kind whose content no remembered instance uses. It calls
// rememberedNow under the lock, so that an Init that ends meanwhile is not missed.
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

// expire removes answers that are too old, and retries removals that failed.
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

// close waits until all queued files are written and removed, but no longer than limit.
func (a *answers) close(limit time.Duration) {
	a.mu.Lock()
	a.closed = true
	a.changed.Broadcast()
	a.mu.Unlock()
	if !within(limit, func() { <-a.done }) {
		a.log.Warn("some last good answers were not written in time, and are lost")
		return
	}
	_ = a.root.Load().Close()
}
