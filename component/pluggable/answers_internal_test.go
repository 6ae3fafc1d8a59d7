package pluggable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
)

// answering is a state folder whose answers are opened again and again, as if by one process
// after another.
type answering struct {
	*answers

	t      *testing.T
	folder string
	key    []byte
	boot   string
	begin  time.Time
	passed time.Duration // how far the clock is ahead
	space  int64         // free space of the file system without any answers
	log    *logtext.Text
}

func newAnswering(t *testing.T, key []byte) *answering {
	t.Helper()
	a := &answering{t: t, folder: t.TempDir(), key: key, boot: "one", begin: time.Now(), log: &logtext.Text{}, space: math.MaxInt64}
	a.open()
	t.Cleanup(func() { a.close(time.Minute) })
	return a
}

func (a *answering) open() {
	a.t.Helper()
	seal, err := newSealer(a.key)
	require.NoError(a.t, err)
	state, err := openState(a.folder, "/socket", true, seal)
	require.NoError(a.t, err)
	a.t.Cleanup(state.close)
	a.answers, err = openAnswers(state, a.log.Logger(a.t.Name()), func() moment {
		return moment{a.boot, int64(time.Hour + time.Since(a.begin) + a.passed)}
	}, func(folder string) int64 {
		files, _ := filepath.Glob(filepath.Join(folder, "*", "*"))
		return a.space - int64(len(files)*answerBlock)
	})
	require.NoError(a.t, err)
}

// reopen closes the answers and opens them again, as the next process would. passed is how long
// the restart takes.
func (a *answering) reopen() {
	a.t.Helper()
	a.close(time.Minute)
	a.open()
}

// component returns the answers of a Component that has an instance.
func (a *answering) component(name string) *AnswerStore {
	store, done := a.use("secretstores", name, map[string]string{"password": "property-canary"})
	done()
	return store
}

// idle waits until no write or removal is pending.
func (a *answering) idle() {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.queue.order.Len() == 0 && len(a.queue.removes) == 0 && a.working == ""
	}, 20*time.Second, time.Millisecond)
}

// files returns the paths of all answer files.
func (a *answering) files() []string {
	a.t.Helper()
	a.idle()
	var paths []string
	require.NoError(a.t, filepath.WalkDir(filepath.Join(a.state.path, answersFolder), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

// answerOf returns an answer with the given text.
func answerOf(name, text string) Answer {
	return Answer{
		Name: name, ReadAt: time.Now(), MaxAge: time.Hour, Size: len(text),
		Encode: func() ([]byte, error) { return []byte(text), nil },
	}
}

// texts returns the stored answers of a Component, sorted.
func texts(s *AnswerStore) []string {
	var texts []string
	for _, kept := range s.Load() {
		texts = append(texts, string(kept.Text))
	}
	slices.Sort(texts)
	return texts
}

// testKey returns a state key made of the byte b.
func testKey(b byte) []byte { return bytes.Repeat([]byte{b}, StateKeySize) }

func TestAnswersOutliveTheProcess(t *testing.T) {
	for name, key := range map[string][]byte{"in the clear": nil, "encrypted": testKey(1)} {
		t.Run(name, func(t *testing.T) {
			a := newAnswering(t, key)
			c := a.component("c")
			c.Save(answerOf("g", "old"))
			a.idle()
			c.Save(answerOf("g", "new\nwith lines"))
			c.Save(answerOf("h", "other"))
			c.Save(answerOf("gone", "gone"))
			c.Delete("gone")
			c.Delete("never there")
			a.reopen()

			assert.Equal(t, []string{"new\nwith lines", "other"}, texts(a.component("c")))
			assert.Empty(t, texts(a.component("another")))
			assert.Empty(t, a.log.String())
			files := a.files()
			require.Len(t, files, 2)
			for path, want := range map[string]fs.FileMode{files[0]: 0o600, filepath.Dir(files[0]): fs.ModeDir | 0o700} {
				info, err := os.Stat(path)
				require.NoError(t, err)
				assert.Equal(t, want, info.Mode())
			}
		})
	}
}

func TestTheAgeOfAnAnswerOutlivesTheProcess(t *testing.T) {
	a := newAnswering(t, nil)
	answer := answerOf("g", "text")
	answer.ReadAt = time.Now().Add(-10 * time.Minute)
	a.component("c").Save(answer)
	a.passed += 20 * time.Minute
	a.reopen()
	kept := a.component("c").Load()
	require.Len(t, kept, 1)
	assert.WithinDuration(t, time.Now().Add(-30*time.Minute), kept[0].ReadAt, 5*time.Minute)

	a.passed += 31 * time.Minute
	assert.Empty(t, a.component("c").Load(), "it is too old")
	require.Len(t, a.files(), 1)
	a.expire()
	assert.Empty(t, a.files(), "the expired answer must be removed")
}

func TestAnAnswerOfAnotherBootIsVoid(t *testing.T) {
	a := newAnswering(t, nil)
	a.component("c").Save(answerOf("g", "text"))
	a.idle()
	a.boot = "two"
	a.reopen()
	assert.Empty(t, a.component("c").Load())
	assert.Empty(t, a.files())
}

func TestAnUnfinishedAnswerOfAnEarlierProcessIsRemoved(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "text"))
	a.idle()
	unfinished := filepath.Join(a.root.Load().Path(), besideOf(c.path("h")))
	write(t, unfinished, []byte("half"))
	a.reopen()
	a.idle()
	assert.NoFileExists(t, unfinished)
	assert.Equal(t, []string{"text"}, texts(a.component("c")))
	assert.Empty(t, a.log.String(), "a process that was killed is no reason for a warning")
}

func TestAnAnswerOfTheFutureIsVoid(t *testing.T) {
	a := newAnswering(t, nil)
	a.component("c").Save(answerOf("g", "text"))
	a.idle()
	a.passed -= 30 * time.Minute // the wall clock was set back
	a.reopen()
	assert.Empty(t, a.component("c").Load())
	assert.Empty(t, a.files())
}

func TestABrokenFileLosesOnlyItsAnswer(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string, text []byte){
		"torn":  func(t *testing.T, path string, text []byte) { write(t, path, text[:len(text)-3]) },
		"empty": func(t *testing.T, path string, _ []byte) { write(t, path, nil) },
		"changed": func(t *testing.T, path string, text []byte) {
			write(t, path, append(text[:len(text)-1], 'x'))
		},
		"a folder": func(t *testing.T, path string, _ []byte) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
			write(t, filepath.Join(path, "f"), nil)
		},
		"a link": func(t *testing.T, path string, _ []byte) {
			require.NoError(t, os.Rename(path, path+"x"))
			require.NoError(t, os.Symlink(filepath.Base(path)+"x", path))
		},
		"too large": func(t *testing.T, path string, _ []byte) { require.NoError(t, os.Truncate(path, 3<<20)) },
	} {
		for _, when := range []string{"at start", "later"} {
			t.Run(name+" "+when, func(t *testing.T) {
				a := newAnswering(t, nil)
				a.component("c").Save(answerOf("broken", canary.Secret))
				broken := a.files()[0]
				a.component("c").Save(answerOf("whole", "whole"))
				a.idle()
				text, err := os.ReadFile(broken)
				require.NoError(t, err)
				damage(t, broken, text)
				if when == "at start" {
					a.reopen()
				}
				assert.Equal(t, []string{"whole"}, texts(a.component("c")))
				a.idle()
				assert.NoFileExists(t, broken)
				assert.Contains(t, a.log.String(), "level=warning")
				assert.NotContains(t, a.log.String(), canary.Secret)
			})
		}
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

func TestAnswersOfNoInstanceAreSwept(t *testing.T) {
	a := newAnswering(t, nil)
	for _, name := range []string{"kept", "gone"} {
		a.component(name).Save(answerOf("g", name))
	}
	kept, gone := a.component("kept"), a.component("gone")
	a.idle()
	initing, done := a.use("secretstores", "initing", nil)
	initing.Save(answerOf("g", "initing"))
	remembered := func() map[string]bool { return map[string]bool{kept.content: true} }
	a.sweep("bindings", func() map[string]bool { return nil })
	require.Len(t, a.files(), 3, "the sweep of bindings must keep the answers of secret stores")

	a.sweep("secretstores", remembered)
	gone.Save(answerOf("g", "late")) // by a call that was still running
	assert.Len(t, a.files(), 2)
	assert.NoDirExists(t, filepath.Join(a.state.path, answersFolder, gone.content))
	assert.Equal(t, []string{"kept"}, texts(kept))
	assert.Equal(t, []string{"initing"}, texts(initing), "its Init is still running")

	done()
	a.reopen()
	a.sweep("secretstores", remembered)
	assert.Len(t, a.files(), 1, "answers that an earlier process left must be removed too")
}

func TestAnEncryptedFolderHoldsNothingInTheClear(t *testing.T) {
	a := newAnswering(t, testKey(1))
	require.NoError(t, a.state.save("secretstores", instanceKey{absent(1), "c"}, map[string]string{"password": "property-canary"}))
	a.component("c").Save(answerOf("guid-canary", "text-canary"))
	a.idle()
	files := 0
	require.NoError(t, filepath.WalkDir(a.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		assert.NotContains(t, path+string(text), "canary")
		assert.NotContains(t, string(text), "secretstores")
		return err
	}))
	require.Equal(t, 2, files)
	assert.Equal(t, []string{"c"}, a.state.names(t))
}

func TestFilesOfAnotherKeyAreRemoved(t *testing.T) {
	for name, keys := range map[string][2][]byte{
		"another key": {testKey(1), testKey(2)}, "no key any more": {testKey(1), nil}, "a key for the first time": {nil, testKey(1)},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAnswering(t, keys[0])
			require.NoError(t, a.state.save("secretstores", instanceKey{process{uid: 1}, "c"}, nil))
			a.component("c").Save(answerOf("g", "text"))
			require.Len(t, a.files(), 1)
			a.key = keys[1]
			a.reopen()
			assert.Empty(t, a.component("c").Load())
			assert.Empty(t, a.state.names(t))
			assert.Empty(t, a.files())
			assert.Equal(t, int32(2), a.state.otherKey.Load())
			assert.Empty(t, a.log.String(), "the server logs the warning, not this layer")
		})
	}
}

func TestAnswersLeaveSpaceForTheRecords(t *testing.T) {
	a := newAnswering(t, nil)
	a.space = reservedForRecords + 3*answerBlock
	c := a.component("c")
	for i := range 10 {
		c.Save(answerOf(fmt.Sprint(i), fmt.Sprint(i)))
		a.idle()
	}
	assert.Equal(t, []string{"7", "8", "9"}, texts(c), "the newest")
	assert.Len(t, a.files(), 3)
	assert.Empty(t, a.log.String())

	a.space = reservedForRecords
	c.Save(answerOf("9", "again"))
	c.Save(answerOf("10", "10"))
	assert.Empty(t, a.files())
	assert.Equal(t, 1, strings.Count(a.log.String(), "cannot be written"))
	assert.Positive(t, freeSpace(a.folder))
}

// Somebody who can write to the disk may move a file. A moved file must not count.
func TestAMovedAnswerFileIsIgnored(t *testing.T) {
	a := newAnswering(t, testKey(1))
	c := a.component("c")
	c.Save(answerOf("g", "of c"))
	a.idle()
	a.component("d").Save(answerOf("g", "of d"))
	a.idle()
	root := filepath.Join(a.state.path, answersFolder)
	name := filepath.Base(c.path("g"))
	require.NoError(t, os.Rename(filepath.Join(root, c.content, name), filepath.Join(root, a.component("d").content, name)))
	assert.Empty(t, texts(a.component("d")))
}

func TestAKeyHasTheRightSize(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33, 64} {
		_, err := newSealer(make([]byte, size))
		require.ErrorContains(t, err, fmt.Sprintf("%d bytes", size))
	}
}

func TestAnswerThatCannotBeWrittenIsDropped(t *testing.T) {
	a := newAnswering(t, nil)
	c := a.component("c")
	c.Save(answerOf("g", "old"))
	c.Save(answerOf("h", "old"))
	a.idle()
	root := filepath.Join(a.state.path, answersFolder)
	beside := filepath.Join(root, c.content, unfinished+filepath.Base(c.path("g")))
	require.NoError(t, os.MkdirAll(filepath.Join(beside, "blocks"), 0o700))
	for range 3 {
		c.Save(answerOf("g", "new"))
		a.idle()
	}
	unfit := answerOf("h", "new")
	unfit.Encode = func() ([]byte, error) { return nil, errors.New(canary.Secret) }
	c.Save(unfit)
	a.idle()
	assert.Empty(t, texts(c), "the old answer must not remain when the new one is dropped")
	assert.Equal(t, 1, strings.Count(a.log.String(), "level=warning"), a.log.String())
	assert.NotContains(t, a.log.String(), canary.Secret)

	for _, vanished := range []string{root, a.state.path, a.folder} {
		require.NoError(t, os.RemoveAll(vanished))
		c.Save(answerOf("g", vanished))
		a.idle()
		assert.Equal(t, []string{vanished}, texts(c), "a deleted folder is created again")
	}
}

func TestAnInitThatEndsKeepsItsAnswersFromASweep(t *testing.T) {
	a := newAnswering(t, nil)
	s := newNothings()
	defer s.close()
	s.state, s.answers = a.state, a.answers
	c := &connection{peer: process{uid: 1, pid: 1, start: 1}}
	properties := map[string]string{"some": "thing"}
	opened := make(chan struct{})
	s.init = func(ctx context.Context, _ string, _ map[string]string) (*nothing, error) {
		Answers(ctx).Save(answerOf("g", "text"))
		close(opened)
		return &nothing{}, nil
	}

	a.state.mu.Lock() // so the Init has to wait before it writes its record
	initialised := make(chan error)
	go func() { initialised <- s.initialise(t.Context(), c, "c", properties) }()
	select {
	case <-opened:
	case err := <-initialised:
		require.FailNow(t, "the Init has ended", err)
	}
	for range 100 { // until it waits
		s.sweepAnswers()
		runtime.Gosched()
	}
	a.state.mu.Unlock()
	require.NoError(t, <-initialised)
	a.idle()
	store, done := a.use(s.kind, "c", properties)
	done()
	assert.Equal(t, []string{"text"}, texts(store))
}
