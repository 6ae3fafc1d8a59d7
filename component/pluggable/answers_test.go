package pluggable_test

import (
	"bufio"
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/canary"
)

// startWithKey starts a process of the component on the machine with a state key, or without
// one if key is nil.
func (m *machine) startWithKey(t *testing.T, stores *echoes, key []byte) *running {
	t.Helper()
	return serve(t, stores, func(o *pluggable.Options) { o.SocketFolder, o.StateFolder, o.StateKey = m.sockets, m.state, key })
}

// remembering returns echoes that report the stored answers and then store one: the "say" of
// their metadata.
func remembering(kept chan []string) *echoes {
	return &echoes{init: func(ctx context.Context, meta secretstores.Metadata) error {
		answers := pluggable.Answers(ctx)
		if answers == nil {
			kept <- []string{"nowhere"}
			return nil
		}
		var texts []string
		for _, answer := range answers.Load() {
			texts = append(texts, string(answer.Text))
		}
		kept <- texts
		answers.Save(pluggable.Answer{Name: "g", ReadAt: time.Now(), MaxAge: time.Hour, Encode: func() ([]byte, error) {
			return []byte(meta.Properties["say"]), nil
		}})
		return nil
	}}
}

func stateKey(b byte) []byte { return bytes.Repeat([]byte{b}, pluggable.StateKeySize) }

func TestAnswersBelongToNameAndMetadata(t *testing.T) {
	m, kept := newMachine(t), make(chan []string, 10)
	first := m.startWithKey(t, remembering(kept), stateKey(1))
	initialise(t, first, "c", map[string]string{"say": "one"})
	initialise(t, first, "d", map[string]string{"say": "two"})
	first.stop()
	require.Empty(t, <-kept)
	require.Empty(t, <-kept)

	second := m.startWithKey(t, remembering(kept), stateKey(1))
	assert.ElementsMatch(t, [][]string{{"one"}, {"two"}}, [][]string{<-kept, <-kept})
	initialise(t, second, "c", map[string]string{"say": "other"})
	assert.Empty(t, <-kept)
	second.stop()
	assert.Len(t, m.files(t), 4, "answers of the earlier metadata must be removed")

	third := m.startWithKey(t, remembering(kept), stateKey(1))
	assert.ElementsMatch(t, [][]string{{"other"}, {"two"}}, [][]string{<-kept, <-kept})
	assert.NotContains(t, third.log.String(), "level=warning")
}

func TestAnswersGoWithTheirDaprd(t *testing.T) {
	m, kept := newMachine(t), make(chan []string, 10)
	s := m.startWithKey(t, remembering(kept), stateKey(1))
	other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
	_, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(m.files(t)) == 2 }, patience, tick)
	require.NoError(t, other.Process.Kill())
	require.Eventually(t, func() bool { return len(m.files(t)) == 0 }, patience, tick)
}

func TestAnswersOfADaprdThatEndedMeanwhileAreRemoved(t *testing.T) {
	m, kept := newMachine(t), make(chan []string, 10)
	first := m.startWithKey(t, remembering(kept), stateKey(1))
	other := pluggable.StartChild(t, "daprd", first.socket, "credentials")
	_, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	first.stop()
	require.Len(t, m.files(t), 2)
	require.NoError(t, other.Process.Kill())
	_ = other.Wait()

	m.startWithKey(t, remembering(kept), stateKey(1))
	require.Eventually(t, func() bool { return len(m.files(t)) == 0 }, patience, tick)
}

func TestOnADiskAnswersAreKeptWithAKeyAlone(t *testing.T) {
	if inMemory(t) {
		t.Log("the folder for temporary files is in memory, where answers are kept without a key")
		return
	}
	m, kept := newMachine(t), make(chan []string, 10)
	first := m.startWithKey(t, remembering(kept), stateKey(1))
	initialise(t, first, "c", map[string]string{"say": "one"})
	first.stop()
	require.Empty(t, <-kept)
	second := m.startWithKey(t, remembering(kept), nil)
	initialise(t, second, "c", map[string]string{"say": "two"})
	assert.Equal(t, []string{"nowhere"}, <-kept)
	second.stop()
	assert.Contains(t, second.log.String(), "--state-key-file")
	assert.Len(t, m.files(t), 1, "only the record stays; encrypted answers must be removed")
}

func TestAChangedStateKeyIsWarnedOfOnce(t *testing.T) {
	m, kept := newMachine(t), make(chan []string, 10)
	first := m.startWithKey(t, remembering(kept), stateKey(1))
	for _, name := range []string{"c", "d", "e"} {
		initialise(t, first, name, map[string]string{"say": canary.Secret})
		require.Empty(t, <-kept)
	}
	first.stop()
	require.Len(t, m.files(t), 6)

	second := m.startWithKey(t, remembering(kept), stateKey(2))
	assert.Equal(t, 1, strings.Count(second.log.String(), "cannot be decrypted"), second.log.String())
	assert.Contains(t, second.log.String(), "6 files of an earlier process")
	assert.Contains(t, second.log.String(), "--state-key-file")
	assert.NotContains(t, second.log.String(), canary.Secret)
	_, err := get(dial(t, second, "c"), "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	require.Eventually(t, func() bool { return len(m.files(t)) == 0 }, patience, tick)
}

func TestRecordsAreEncryptedWithTheStateKey(t *testing.T) {
	m := newMachine(t)
	first := m.startWithKey(t, &echoes{}, stateKey(1))
	initialise(t, first, "c", map[string]string{"say": "hi"})
	first.stop()
	second := m.startWithKey(t, &echoes{}, stateKey(1))
	data, err := get(dial(t, second, "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, "hi", data["property.say"])
}

func TestAStateKeyOfAWrongSizeIsRefused(t *testing.T) {
	_, err := pluggable.New(pluggable.Options{
		Name: "x", Logger: serve(t, &echoes{}, nil).log.Logger("x"), StateKey: make([]byte, 31),
	}, (&echoes{}).New, nil)
	require.ErrorContains(t, err, "31 bytes")
}

// inMemory reports whether the folder for the test's files is on a file system in memory.
func inMemory(t *testing.T) bool {
	t.Helper()
	s := serve(t, &echoes{}, func(o *pluggable.Options) { o.StateOnDisk = false })
	return !strings.Contains(s.log.String(), "not on a file system in memory")
}
