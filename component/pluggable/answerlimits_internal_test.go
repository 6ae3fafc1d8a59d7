package pluggable

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAnswerThatBecomesTooLargeIsNotKept(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "old"))
	a.idle()
	large := answerOf("g", "new")
	large.Size = maxAnswer + 1
	c.Save(large)
	a.idle()
	assert.Empty(t, texts(c))
}

func TestAnAnswerThatVanishesIsNotReported(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "text"))
	require.NoError(t, os.Remove(a.files()[0]))
	assert.Empty(t, texts(c))
	assert.Empty(t, a.log.String())
}

func TestAnAnswerMayBeKeptForever(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	answer := answerOf("g", "text")
	answer.MaxAge = math.MaxInt64
	c.Save(answer)
	a.idle()
	a.passed += time.Hour
	a.expire()
	a.idle()
	assert.Equal(t, []string{"text"}, texts(c))
}

func TestAnswersBelongToTheMetadataInAnyOrder(t *testing.T) {
	a := newAnswering(t, nil)
	properties := map[string]string{}
	for i := range 20 {
		properties[fmt.Sprint(i)] = "x"
	}
	content := a.contentOf("secretstores", "c", properties)
	for range 20 {
		require.Equal(t, content, a.contentOf("secretstores", "c", properties))
	}
}

func TestTheLastOfSeveralInitsLetsAnswersBeSwept(t *testing.T) {
	a := newAnswering(t, nil)
	store, first := a.use("secretstores", "c", nil)
	_, second := a.use("secretstores", "c", nil)
	store.Save(answerOf("g", "text"))
	sweep := func() { a.sweep("secretstores", func() map[string]bool { return nil }) }
	first()
	sweep()
	require.Len(t, a.files(), 1)
	second()
	sweep()
	require.Empty(t, a.files())
	assert.Zero(t, a.index.size)
}

func TestASweepTakesAnswersThatWait(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	release := saveStuck(t, a.component("other"), "slow disk")
	c.Save(answerOf("g", "text"))
	a.sweep("secretstores", func() map[string]bool { return nil })
	close(release)
	assert.Empty(t, a.files())
}

func TestAnswersAfterTheEndAreNotTaken(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	release := saveStuck(t, c, "slow disk")
	a.close(0)
	c.Save(answerOf("late", "text"))
	close(release)
	a.reopen()
	assert.Equal(t, []string{"stuck"}, texts(a.component("c")))
}

func TestALeftoverOfAnAnswerIsWrittenOver(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "old"))
	a.idle()
	write(t, filepath.Join(a.root.Load().Path(), besideOf(c.path("g"))), []byte("half"))
	c.Save(answerOf("g", "new"))
	a.idle()
	assert.Equal(t, []string{"new"}, texts(c))
	assert.Empty(t, a.log.String())
}

func TestARemovalThatFailsIsTriedAgain(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "text"))
	path := a.files()[0]
	closed, err := a.state.root.Private("closed")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	root := a.root.Swap(closed)
	c.Delete("g")
	a.idle()
	a.root.Store(root)
	require.FileExists(t, path)
	assert.Contains(t, a.log.String(), "could not be removed")

	a.expire()
	a.idle()
	assert.NoFileExists(t, path)
	a.mu.Lock()
	defer a.mu.Unlock()
	assert.Empty(t, a.stuck)
}

func TestTheOldestAnswerOfAnEarlierProcessMakesRoom(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	names := []string{"f", "g", "h", "i"}
	for i, name := range names {
		c.Save(answerOf(name, name))
		a.idle()
		then := time.Now().Add(-time.Duration(len(names)-i) * time.Minute)
		require.NoError(t, os.Chtimes(filepath.Join(a.root.Load().Path(), c.path(name)), then, then))
	}
	a.reopen()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, name := range names {
		assert.Equal(t, []string{c.path(name)}, a.index.evictBytes(1))
		assert.Equal(t, int64(len(names)-i-1)*answerBlock, a.index.size)
	}
}

func TestAnAnswerFileSaysItsVersion(t *testing.T) {
	file := &answerFile{answerVersion + 1, "g", "boot", 1, 2, sumOf([]byte("text")), []byte("text")}
	text, err := file.encode()
	require.NoError(t, err)
	_, err = decodeAnswer(text)
	require.ErrorContains(t, err, "its version is 2, but this program reads version 1")
}
