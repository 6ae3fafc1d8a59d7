package pluggable

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stuckAnswer returns an answer whose encoding starts and then blocks until release is closed.
func stuckAnswer(name string) (answer Answer, begun, release chan struct{}) {
	begun, release = make(chan struct{}), make(chan struct{})
	answer = answerOf(name, "stuck")
	answer.Encode = func() ([]byte, error) {
		close(begun)
		<-release
		return []byte("stuck"), nil
	}
	return answer, begun, release
}

// saveStuck saves the answer of stuckAnswer and waits until its encoding starts. Answers that
// are saved after it stay in the queue until release is closed.
func saveStuck(t *testing.T, c *AnswerStore, name string) (release chan struct{}) {
	t.Helper()
	stuck, begun, release := stuckAnswer(name)
	c.Save(stuck)
	await(t, begun)
	return release
}

// await waits until a channel is closed.
func await(t *testing.T, closed <-chan struct{}) {
	t.Helper()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "it does not happen")
	}
}

func TestOnlyTheLastAnswerOfANameIsWritten(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	release := saveStuck(t, c, "slow disk")
	var encoded atomic.Int32
	for i := range 100 {
		answer := answerOf("g", "")
		answer.Encode = func() ([]byte, error) {
			encoded.Add(1)
			return fmt.Append(nil, i), nil
		}
		c.Save(answer) // Save does not wait for the disk
	}
	close(release)
	a.idle()
	assert.Equal(t, int32(1), encoded.Load())
	assert.Equal(t, []string{"99", "stuck"}, texts(c))
}

func TestRemovalGoesBeforeWaitingAnswers(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("refused", "text"))
	a.idle()
	release := saveStuck(t, c, "slow disk")
	second, begunSecond, releaseSecond := stuckAnswer("after that")
	c.Save(second)
	c.Delete("refused")
	assert.NotContains(t, texts(c), "text", "it is given no more at once")
	close(release)
	await(t, begunSecond)
	assert.NoFileExists(t, a.root.Load().Path()+"/"+c.path("refused"))
	close(releaseSecond)
}

func TestARemovalReplacesWhatIsBeingWritten(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	release := saveStuck(t, c, "g")
	c.Save(answerOf("g", "again"))
	c.Delete("g")
	close(release)
	assert.Empty(t, a.files())
	c.Save(answerOf("g", "later"))
	a.idle()
	assert.Equal(t, []string{"later"}, texts(c))
}

func TestWaitingAnswersAreWrittenAtClose(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	release := saveStuck(t, c, "slow disk")
	for i := range 10 {
		c.Save(answerOf(fmt.Sprint(i), "text"))
	}
	a.close(0)
	assert.Contains(t, a.log.String(), "some last good answers were not written in time", "closing must not wait long for the disk")
	close(release)
	a.reopen()
	assert.Len(t, a.component("c").Load(), 11)
}

func TestWaitingAnswersAreBounded(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("last", "old"))
	a.idle()
	release := saveStuck(t, c, "slow disk")
	large := answerOf("", "")
	large.Size = maxAnswer
	for i := range 2 * maxAnswers / maxAnswer {
		large.Name = fmt.Sprint(i)
		c.Save(large)
	}
	large.Name = "last"
	c.Save(large)
	a.mu.Lock()
	size, waiting := a.queue.size, len(a.queue.saves)
	a.mu.Unlock()
	assert.LessOrEqual(t, size, maxAnswers)
	assert.Equal(t, maxAnswers/maxAnswer, waiting)
	assert.NotContains(t, texts(c), "old", "the old answer must not remain when the new one is dropped")
	close(release)
	a.idle()
}

func TestAnswersAreBounded(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("too large", strings.Repeat("x", maxAnswer+1)))
	require.Empty(t, a.files())
	large := strings.Repeat("x", maxAnswer-answerBlock)
	for i := range 10 {
		c.Save(answerOf(fmt.Sprint(i), large))
		a.idle()
	}
	assert.Len(t, a.files(), maxContentAnswers/maxAnswer)
	assert.NoFileExists(t, a.root.Load().Path()+"/"+c.path("1"), "the oldest must be evicted")
	assert.FileExists(t, a.root.Load().Path()+"/"+c.path("9"))

	// Other Components have their own share, until there are too many.
	for n := range 4 {
		for i := range 8 {
			a.component(fmt.Sprint("c", n)).Save(answerOf(fmt.Sprint(i), large))
		}
		a.idle()
	}
	assert.Len(t, a.files(), maxAnswers/maxAnswer)
	assert.Empty(t, c.Load(), "the oldest must be evicted")
	a.reopen()
	assert.Equal(t, int64(maxAnswers), a.index.size)
}

func TestSmallAnswersCountByTheRoomTheyTake(t *testing.T) {
	x := newAnswerIndex()
	evicted := 0
	for i := range 2 * maxAnswers / answerBlock {
		evicted += len(x.add(fmt.Sprintf("c%d/%d", i%8, i), 1, moment{}))
	}
	assert.Equal(t, maxAnswers/answerBlock, evicted)
	assert.Equal(t, int64(maxAnswers), x.size)
	assert.False(t, x.has("c0/0"))
	for i := range 2 * maxAnswers / answerBlock {
		x.remove(fmt.Sprintf("c%d/%d", i%8, i))
	}
	assert.Zero(t, x.size)
	assert.Empty(t, x.contents)
}

func TestTimesAreComparedWithinOneBoot(t *testing.T) {
	now := moment{"boot", 1000}
	clock := moments(func() moment { return now })
	age, ok := clock.age(moment{"boot", 400})
	assert.Equal(t, 600*time.Nanosecond, age)
	assert.True(t, ok)
	_, ok = clock.age(moment{"boot", 1001})
	assert.False(t, ok)
	_, ok = clock.age(moment{"other", 400})
	assert.False(t, ok)
	system := systemMoments()
	_, ok = system.age(system())
	assert.True(t, ok)
}
