package pluggable_test

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/canary"
)

// machine holds the folders that remain when a process of the component ends.
type machine struct{ sockets, state string }

func newMachine(t *testing.T) *machine {
	t.Helper()
	return &machine{pluggabletest.SocketFolder(t), filepath.Join(t.TempDir(), "state")}
}

// start starts a process of the component on the machine.
func (m *machine) start(t *testing.T, stores *echoes) *running {
	t.Helper()
	return serve(t, stores, func(o *pluggable.Options) { o.SocketFolder, o.StateFolder = m.sockets, m.state })
}

// files returns the paths of all state files. A server may remove some meanwhile.
func (m *machine) files(t *testing.T) []string {
	t.Helper()
	var paths []string
	require.NoError(t, filepath.WalkDir(m.state, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // the server has just removed it
		case err == nil && !entry.IsDir():
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func TestAnInstanceOutlivesTheProcess(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": "old"})
	initialise(t, first, "c", map[string]string{"say": "hi"})
	initialise(t, first, "other", nil)
	first.stop()

	stores := &echoes{}
	second := m.start(t, stores)
	assert.Equal(t, 2, stores.open(), "stores must be open before the socket exists")

	data, err := get(dial(t, second, "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"echo": "X", "component": "c", "property.say": "hi"}, data)
	assertEchoes(t, dial(t, second, "other"))
	assert.Equal(t, 2, stores.inits())
}

func TestStateIsForItsUserAlone(t *testing.T) {
	m := newMachine(t)
	s := m.start(t, &echoes{})
	initialise(t, s, "c", map[string]string{"say": "hi"})

	files := m.files(t)
	require.Len(t, files, 1)
	for path, want := range map[string]fs.FileMode{
		files[0]: 0o600, filepath.Dir(files[0]): fs.ModeDir | 0o700, m.state: fs.ModeDir | 0o700,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode(), path)
	}
}

func TestAnInitThatFailedIsNotRemembered(t *testing.T) {
	m := newMachine(t)
	s := m.start(t, &echoes{init: func(context.Context, secretstores.Metadata) error { return errors.New("no") }})
	c := pluggabletest.NewClient(t, s.socket)
	require.Error(t, c.Init(t.Context(), meta("c", nil)))
	require.NoError(t, c.Close())
	assert.Empty(t, m.files(t))
}

func TestRecordsOfAnEndedProcessAreRemoved(t *testing.T) {
	start := func(t *testing.T) (*machine, *running, *pluggable.Child) {
		t.Helper()
		m := newMachine(t)
		s := m.start(t, &echoes{})
		other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
		_, err := bufio.NewReader(other.Stdout).ReadString('\n')
		require.NoError(t, err)
		require.Len(t, m.files(t), 1)
		return m, s, other
	}
	t.Run("it ends while the component runs", func(t *testing.T) {
		m, _, other := start(t)
		require.NoError(t, other.Process.Kill())
		require.Eventually(t, func() bool { return len(m.files(t)) == 0 }, patience, tick, "without any call")
	})
	t.Run("it ends while the component is down", func(t *testing.T) {
		m, s, other := start(t)
		s.stop()
		require.Len(t, m.files(t), 1, "the next process needs it")
		require.NoError(t, other.Process.Kill())
		_ = other.Wait()

		stores := &echoes{}
		m.start(t, stores)
		assert.Empty(t, m.files(t))
		assert.Zero(t, stores.inits())
	})
}

// TestFilesThatAreNoRecords puts other files beside a record: files that an earlier process, a
// broken disk or a person may have left there.
func TestFilesThatAreNoRecords(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": "hi"})
	first.stop()
	whole := m.files(t)[0]
	text, err := os.ReadFile(whole)
	require.NoError(t, err)
	folder := filepath.Dir(whole)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	for i := range len(text) {
		write("half-"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+".json", string(text[:i]))
	}
	write("empty.json", "")
	write("copy.json", string(text))
	write("twice.json", string(text)+string(text))
	write("older.json", strings.Replace(string(text), `"version":2`, `"version":1`, 1))
	write("newer.json", strings.Replace(string(text), `"version":2`, `"version":3`, 1))
	write("array.json", `["`+canary.Secret+`"]`)
	write(".c.json123", string(text[:10]))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder.json"), 0o700))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(folder, "endless.json")))

	stores := &echoes{}
	second := m.start(t, stores)

	data, err := get(dial(t, second, "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, "hi", data["property.say"])
	assert.Equal(t, 1, stores.inits())
	assert.NoFileExists(t, filepath.Join(folder, ".c.json123"), "an incomplete file must be removed")
	assert.Contains(t, second.log.String(), "newer.json")
	assert.FileExists(t, filepath.Join(folder, "newer.json"))
	assert.NotContains(t, second.log.String(), canary.Secret)
}

func TestTheOnlyRecordIsHalfWritten(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()
	require.NoError(t, os.Truncate(m.files(t)[0], 20))

	second := m.start(t, &echoes{})
	_, err := get(dial(t, second, "c"), "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.ErrorContains(t, err, "restart daprd")
	assertEchoes(t, initialise(t, second, "c", nil))
}

func TestWithoutAUsableStateFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	tests := map[string]func(*pluggable.Options){
		"on a disk":         func(o *pluggable.Options) { o.StateOnDisk = false },
		"below a file":      func(o *pluggable.Options) { o.StateFolder = filepath.Join(file, "state") },
		"that cannot exist": func(o *pluggable.Options) { o.StateFolder = "/proc/none" },
	}
	if inMemory(t) {
		delete(tests, "on a disk")
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &echoes{}, change)
			assert.Contains(t, s.log.String(), "level=warning")
			assert.Contains(t, s.log.String(), "--state-dir")
			_, err := get(dial(t, s, "c"), "x")
			assert.Equal(t, codes.Unavailable, status.Code(err))
			assert.ErrorContains(t, err, "--state-dir")
			assertEchoes(t, initialise(t, s, "c", nil))
		})
	}
}

func TestSocketsThatShareAStateFolder(t *testing.T) {
	m := newMachine(t)
	one := m.start(t, &echoes{})
	initialise(t, one, "c", map[string]string{"say": "one"})
	two := &machine{pluggabletest.SocketFolder(t), m.state}
	stores := &echoes{}
	_, err := get(dial(t, two.start(t, stores), "c"), "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.Zero(t, stores.inits())
}

func TestAnInstanceThatCannotBeOpenedAtStartIsTriedByTheNextCall(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": canary.Secret})
	first.stop()

	for name, fail := range map[string]func(){
		"error": func() {}, "panic": func() { panic(canary.Secret) },
	} {
		t.Run(name, func(t *testing.T) {
			var down atomic.Bool
			down.Store(true)
			second := m.start(t, &echoes{init: func(context.Context, secretstores.Metadata) error {
				if down.Load() {
					fail()
					return errors.New("not now")
				}
				return nil
			}})
			c := dial(t, second, "c")
			_, err := get(c, "x")
			require.Error(t, err)
			assert.NotContains(t, err.Error()+second.log.String(), canary.Secret)
			down.Store(false)
			assertEchoes(t, c)
			second.stop()
		})
	}
}

func TestAStoreThatHangsAtStartDoesNotHoldTheSocket(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()
	release := make(chan struct{})
	second := m.start(t, &echoes{init: func(context.Context, secretstores.Metadata) error {
		<-release
		return nil
	}})
	close(release)
	assertEchoes(t, dial(t, second, "c"))
}

func TestARestoredStoreThatNobodyUsesIsClosedAndComesBack(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()
	stores := &echoes{}
	second := m.start(t, stores)
	require.Equal(t, 1, stores.open())

	second.CloseIdle()
	assert.Equal(t, 1, stores.open(), "it may still be needed at any moment")
	second.CloseIdle()
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
	assertEchoes(t, dial(t, second, "c"))
}
