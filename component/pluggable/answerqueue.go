package pluggable

import (
	"container/list"
	"path/filepath"
)

// answerQueue is what is to be written and removed. Of each path there is the last
// answer alone. It holds references to answers, not their texts.
type answerQueue struct {
	saves   map[string]*list.Element // of *pendingAnswer, by path
	order   *list.List
	size    int
	removes map[string]struct{} // paths of files and of contents
}

// pendingAnswer is an answer that is to be written.
type pendingAnswer struct {
	Answer

	path string
	read moment
}

func newAnswerQueue() answerQueue {
	return answerQueue{saves: map[string]*list.Element{}, order: list.New(), removes: map[string]struct{}{}}
}

// save adds an answer; false if too much is waiting.
func (q *answerQueue) save(p *pendingAnswer) bool {
	q.drop(p.path)
	if q.size+p.weight() > maxAnswers {
		return false
	}
	q.size += p.weight()
	q.saves[p.path] = q.order.PushBack(p)
	return true
}

// weight is what an answer counts for in the bounds.
func (p *pendingAnswer) weight() int { return max(p.Size, answerBlock) }

// drop takes away an answer that is to be written.
func (q *answerQueue) drop(path string) {
	if e, ok := q.saves[path]; ok {
		q.size -= q.order.Remove(e).(*pendingAnswer).weight() //nolint:forcetypeassert // of nothing else
		delete(q.saves, path)
	}
}

// dropContent takes away the answers of a content that are to be written.
func (q *answerQueue) dropContent(content string) {
	for path := range q.saves {
		if filepath.Dir(path) == content {
			q.drop(path)
		}
	}
}

// next takes what is to be done next: a path to be removed, for a removal must not wait
// for what is written, else an answer. Neither: there is nothing to do.
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

// removing tells whether a path is to be removed, or its content.
func (q *answerQueue) removing(path string) bool {
	_, file := q.removes[path]
	_, content := q.removes[filepath.Dir(path)]
	return file || content
}
