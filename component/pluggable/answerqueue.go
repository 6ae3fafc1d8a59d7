package pluggable

import (
	"container/list"
	"path/filepath"
)

// answerQueue holds the answers to write and the paths to remove. It keeps only the last
// answer for each path. It holds references to answers, not their texts.
type answerQueue struct {
	saves   map[string]*list.Element // of *pendingAnswer, by path
	order   *list.List
	size    int
	removes map[string]struct{} // paths of files and of contents
}

// pendingAnswer is an answer that waits to be written.
type pendingAnswer struct {
	Answer

	path string
	read moment
}

func newAnswerQueue() answerQueue {
	return answerQueue{saves: map[string]*list.Element{}, order: list.New(), removes: map[string]struct{}{}}
}

// save queues an answer in place of an earlier one with the same path. It returns false if
// the queue is full; the earlier one is gone then too.
func (q *answerQueue) save(p *pendingAnswer) bool {
	q.drop(p.path)
	if q.size+p.weight() > maxAnswers {
		return false
	}
	q.size += p.weight()
	q.saves[p.path] = q.order.PushBack(p)
	return true
}

// weight returns how many bytes an answer counts for in the queue's limit.
func (p *pendingAnswer) weight() int { return max(p.Size, answerBlock) }

// drop takes the answer for a path out of the queue, if it is there.
func (q *answerQueue) drop(path string) {
	if e, ok := q.saves[path]; ok {
		q.size -= q.order.Remove(e).(*pendingAnswer).weight() //nolint:forcetypeassert // of nothing else
		delete(q.saves, path)
	}
}

// dropContent takes the answers of a content out of the queue.
func (q *answerQueue) dropContent(content string) {
	for path := range q.saves {
		if filepath.Dir(path) == content {
			q.drop(path)
		}
	}
}

// next returns the next task: a path to remove, or else an answer to write. Removals come
// first, because a removal must not wait for writes. Both results are zero if the queue is
// empty. An answer leaves the queue here. A removal stays in it until unlink is done.
func (q *answerQueue) next() (remove string, save *pendingAnswer) {
	for path := range q.removes {
		return path, nil
	}
	if e := q.order.Front(); e != nil {
		save = e.Value.(*pendingAnswer) //nolint:forcetypeassert // of nothing else
		q.drop(save.path)
	}
	return "", save
}

// removing reports whether the removal of a path, or of its content, is queued.
func (q *answerQueue) removing(path string) bool {
	_, file := q.removes[path]
	_, content := q.removes[filepath.Dir(path)]
	return file || content
}
