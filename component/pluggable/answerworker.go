package pluggable

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// run writes and removes files until the answers are closed and nothing is waiting.
func (a *answers) run() {
	defer close(a.done)
	for {
		remove, save, ok := a.take()
		switch {
		case !ok:
			return
		case save != nil:
			a.put(save)
		default:
			a.unlink(remove)
		}
	}
}

// take waits for the next task. It returns false if the answers are closed and no task is
// left.
func (a *answers) take() (remove string, save *pendingAnswer, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.working = ""
	for {
		if remove, save = a.queue.next(); remove != "" || save != nil {
			break
		}
		if a.closed {
			return "", nil, false
		}
		a.changed.Broadcast() // all work is done
		a.changed.Wait()
	}
	a.working = remove
	if save != nil {
		a.working = save.path
	}
	return remove, save, true
}

// unlink removes a file, or the folder of a content. If that fails, expire tries again.
func (a *answers) unlink(path string) {
	err := a.root.Load().RemoveAll(path)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.queue.removes, path)
	if err != nil {
		a.stuck[path] = struct{}{}
		a.log.Warnf("a last good answer could not be removed: %v; trying again later", err)
	}
}

// put writes an answer and adds its file to the index. If the write fails, it removes the
// old file.
func (a *answers) put(p *pendingAnswer) {
	size, err := a.tryPut(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.remove(p.path) // no answer is better than an outdated one
	case !a.queue.removing(p.path):
		a.add(p.path, size, untilOf(p.read, p.MaxAge))
	}
	if errors.Is(err, errUnfit) {
		return
	}
	if err != nil && !a.failing {
		a.log.Warnf("last good answers cannot be written, and will not outlive this process: %v", err)
	}
	a.failing = err != nil
}

// errUnfit is returned for an answer that is too large or cannot be encoded.
var errUnfit = errors.New("it cannot be kept")

// tryPut writes an answer and returns the size of its file in bytes. It creates the folder
// of the content if it is missing.
func (a *answers) tryPut(p *pendingAnswer) (int64, error) {
	file, err := newAnswerFile(p)
	if err != nil || len(file.text) > maxAnswer {
		return 0, errUnfit
	}
	plain, err := file.encode()
	if err != nil {
		return 0, err
	}
	text := a.seal.seal(p.path, plain)
	if err := a.makeRoom(int64(len(text))); err != nil {
		return 0, err
	}
	err = a.write(p.path, text)
	for _, makeFolder := range []func(string) error{a.mkdir, a.reopen} {
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err = makeFolder(filepath.Dir(p.path)); err == nil {
			err = a.write(p.path, text)
		}
	}
	return int64(len(text)), err
}

func (a *answers) mkdir(content string) error {
	err := a.root.Load().Mkdir(content, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// reopen creates the folder of the answers again after it has disappeared, and the folder of
// a content in it.
func (a *answers) reopen(content string) error {
	root, err := a.state.subfolder(answersFolder)
	if err != nil {
		return err
	}
	_ = a.root.Swap(root).Close()
	return a.mkdir(content)
}
