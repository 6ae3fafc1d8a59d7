package pluggable

import (
	"container/list"
	"path/filepath"
)

// Limits on stored answers, in bytes (DESIGN.md, section 9): all answers, the answers of one
// content, and one answer.
const (
	maxAnswers        = 32 << 20
	maxContentAnswers = maxAnswers / 4
	maxAnswer         = 1 << 20
)

// answerBlock is the memory that the smallest file takes, in bytes. File sizes are rounded
// up to a multiple of it.
const answerBlock = 4 << 10

// answerIndex lists the files of the answers, so that the limits can be enforced without
// reading the folder.
type answerIndex struct {
	contents map[string]*contentIndex
	size     int64
	written  uint64 // how many files have been added
}

// contentIndex lists the files of one content in the order in which they were written.
type contentIndex struct {
	files map[string]*list.Element // of *indexedAnswer, by path
	order *list.List
	size  int64
}

// indexedAnswer is one file in the index.
type indexedAnswer struct {
	path  string
	size  int64
	until moment // when it becomes too old
	nth   uint64 // its number in the order of writes
}

func newAnswerIndex() answerIndex { return answerIndex{contents: map[string]*contentIndex{}} }

func (x *answerIndex) has(path string) bool {
	c := x.contents[filepath.Dir(path)]
	return c != nil && c.files[path] != nil
}

// paths returns the paths of a content's files.
func (x *answerIndex) paths(content string) []string {
	var paths []string
	if c := x.contents[content]; c != nil {
		for path := range c.files {
			paths = append(paths, path)
		}
	}
	return paths
}

// add adds a file as the newest. To stay within the limits, it takes the oldest files out of
// the index and returns their paths.
func (x *answerIndex) add(path string, size int64, until moment) (evicted []string) {
	x.remove(path)
	content := filepath.Dir(path)
	c := x.contents[content]
	if c == nil {
		c = &contentIndex{files: map[string]*list.Element{}, order: list.New()}
		x.contents[content] = c
	}
	size = (size + answerBlock - 1) / answerBlock * answerBlock
	x.written++
	c.files[path] = c.order.PushBack(&indexedAnswer{path, size, until, x.written})
	c.size += size
	x.size += size
	for c.size > maxContentAnswers {
		evicted = append(evicted, x.evict(c))
	}
	for x.size > maxAnswers {
		evicted = append(evicted, x.evict(x.oldest()))
	}
	return evicted
}

// oldest returns the content that has the oldest file.
func (x *answerIndex) oldest() (oldest *contentIndex) {
	var first uint64
	for _, c := range x.contents {
		if f := c.order.Front().Value.(*indexedAnswer); oldest == nil || f.nth < first { //nolint:forcetypeassert // of nothing else
			oldest, first = c, f.nth
		}
	}
	return oldest
}

// evict takes the oldest file of a content out of the index and returns its path.
func (x *answerIndex) evict(c *contentIndex) (path string) {
	path = c.order.Front().Value.(*indexedAnswer).path //nolint:forcetypeassert // of nothing else
	x.remove(path)
	return path
}

// evictBytes takes the oldest files of all contents out of the index until they add up to
// size bytes, and returns their paths.
func (x *answerIndex) evictBytes(size int64) (paths []string) {
	for until := x.size - size; x.size > max(until, 0); {
		paths = append(paths, x.evict(x.oldest()))
	}
	return paths
}

func (x *answerIndex) remove(path string) {
	content := filepath.Dir(path)
	c := x.contents[content]
	if c == nil || c.files[path] == nil {
		return
	}
	f := c.order.Remove(c.files[path]).(*indexedAnswer) //nolint:forcetypeassert // of nothing else
	delete(c.files, path)
	c.size -= f.size
	x.size -= f.size
	if len(c.files) == 0 {
		delete(x.contents, content)
	}
}

// expired takes the files that are too old out of the index and returns their paths.
func (x *answerIndex) expired(now moments) (paths []string) {
	for _, c := range x.contents {
		for _, e := range c.files {
			f := e.Value.(*indexedAnswer) //nolint:forcetypeassert // of nothing else
			if _, over := now.age(f.until); over {
				paths = append(paths, f.path)
			}
		}
	}
	for _, path := range paths {
		x.remove(path)
	}
	return paths
}
