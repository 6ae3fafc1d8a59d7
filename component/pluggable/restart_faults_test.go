package pluggable_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/owned/ownedtest"
)

func TestARecordThatCannotBeReplacedIsRemoved(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": "old"})
	path := m.files(t)[0]
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)), 0o700))

	c := initialise(t, first, "c", map[string]string{"say": "new"})
	data, err := get(c, "x")
	require.NoError(t, err)
	assert.Equal(t, "new", data["property.say"])
	assert.Contains(t, first.log.String(), "will not outlive this process")
	assert.Empty(t, m.files(t), "a restart must not bring the old metadata back")
}

func TestARecordOfASingleDaprdGoesWithItsFlag(t *testing.T) {
	m := newMachine(t)
	start := func(single bool) *running {
		return serve(t, &echoes{}, func(o *pluggable.Options) {
			o.SocketFolder, o.StateFolder, o.SingleDaprd = m.sockets, m.state, single
		})
	}
	for _, single := range []bool{true, false} {
		first := start(single)
		initialise(t, first, "c", nil)
		first.stop()
		require.Len(t, m.files(t), 1)

		second := start(!single)
		assert.Zero(t, second.Instances())
		assert.Empty(t, m.files(t), "no daprd can match the record any more")
		second.stop()
	}
}

func TestAStateFolderThatVanishesIsMadeAgain(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	require.NoError(t, os.RemoveAll(m.state))
	initialise(t, first, "c", map[string]string{"say": "hi"})
	first.stop()

	data, err := get(dial(t, m.start(t, &echoes{}), "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, "hi", data["property.say"])
}

// TestAStateFolderThatIsNotOursIsRefused tries another user's folder and a symbolic link at
// each level of the state's path. Nothing may be written there.
func TestAStateFolderThatIsNotOursIsRefused(t *testing.T) {
	levels := []string{"the parent folder", "the state folder", "our subfolder"}
	for i, level := range levels {
		for _, what := range []string{"another user's", "a link"} {
			if what == "a link" && i == 0 || os.Geteuid() != 0 && what != "a link" && i != 0 {
				continue // allowed: a link above, and a folder that others may write to
			}
			t.Run(level+" is "+what, func(t *testing.T) {
				m := newMachine(t)
				top := ownedtest.Folder(t, 0o755)
				m.state = filepath.Join(top, "above", "state")
				first := m.start(t, &echoes{})
				initialise(t, first, "c", map[string]string{"say": "old"})
				first.stop()
				ours := filepath.Dir(m.files(t)[0])
				path := []string{filepath.Dir(m.state), m.state, ours}[i]
				says := "is a symbolic link"
				if what == "a link" {
					require.NoError(t, os.Rename(path, path+".away"))
					require.NoError(t, os.Symlink(path+".away", path))
				} else {
					says = ownedtest.GiveAway(t, path)
				}

				second := m.start(t, &echoes{})

				assert.Contains(t, second.log.String(), "level=warning")
				assert.Contains(t, second.log.String(), strings.ReplaceAll(says, `"`, `\"`))
				assert.Contains(t, second.log.String(), "--state-dir")
				_, err := get(dial(t, second, "c"), "x")
				assert.Equal(t, codes.Unavailable, status.Code(err), "nothing is restored from there")
				everything := &machine{state: top}
				before := everything.files(t)
				require.NotEmpty(t, before)
				initialise(t, second, "d", map[string]string{"password": canary.Secret})
				assert.Equal(t, before, everything.files(t), "nothing is written there")
			})
		}
	}
}

// TestTheModeOfEachLevelOfTheStateFolder has others be allowed to write to each level of the
// state's path.
func TestTheModeOfEachLevelOfTheStateFolder(t *testing.T) {
	for name, test := range map[string]struct {
		level    func(m *machine, ours string) string
		mode     fs.FileMode // of the level afterwards
		restored bool
	}{
		"the folder above it": {func(m *machine, _ string) string { return filepath.Dir(m.state) }, 0o777, false},
		"it":                  {func(m *machine, _ string) string { return m.state }, 0o777, true},
		"our own in it":       {func(_ *machine, ours string) string { return ours }, 0o700, true},
		"that of the answers": {func(_ *machine, ours string) string { return filepath.Join(ours, "answers") }, 0o700, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.state = filepath.Join(ownedtest.Folder(t, 0o755), "above", "state")
			first := m.startWithKey(t, &echoes{}, stateKey(1))
			initialise(t, first, "c", nil)
			first.stop()
			path := test.level(m, filepath.Dir(m.files(t)[0]))
			require.NoError(t, os.Chmod(path, 0o777))

			second := m.startWithKey(t, &echoes{}, stateKey(1))

			_, err := get(dial(t, second, "c"), "x")
			if test.restored {
				require.NoError(t, err)
			} else {
				assert.Equal(t, codes.Unavailable, status.Code(err))
				assert.Contains(t, second.log.String(), "chmod go-w "+path)
			}
			info, err := os.Lstat(path)
			require.NoError(t, err)
			assert.Equal(t, fs.ModeDir|test.mode, info.Mode())
		})
	}
}

// If others may write to the state folder, as with an emptyDir, our own subfolder counts.
func TestAStateFolderThatOthersMayWriteToHoldsOurs(t *testing.T) {
	m := newMachine(t)
	m.state = ownedtest.Folder(t, 0o777)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": "hi"})
	first.stop()
	info, err := os.Lstat(filepath.Dir(m.files(t)[0]))
	require.NoError(t, err)
	assert.Equal(t, os.ModeDir|0o700, info.Mode())

	second := m.start(t, &echoes{})
	data, err := get(dial(t, second, "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, "hi", data["property.say"])
	assert.NotContains(t, second.log.String(), "level=warning")
}

func TestAStoreThatOpensAfterTheEndIsClosed(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()

	release := make(chan struct{})
	stores := &echoes{init: func(context.Context, secretstores.Metadata) error { <-release; return nil }}
	m.start(t, stores).stop()
	close(release)
	require.Eventually(t, func() bool { return stores.inits() == 1 && stores.open() == 0 && stores.closedTwice() == 0 }, patience, tick)
}

// TestInitsOfOneNameThatOverlap lets one Init fail while a second one waits for it and a third
// one starts. In the end there must be one instance with one store.
func TestInitsOfOneNameThatOverlap(t *testing.T) {
	begun, release := make(chan struct{}, 3), make(chan struct{})
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		begun <- struct{}{}
		if meta.Properties["fail"] != "" {
			<-release
			return errors.New("no")
		}
		return nil
	}}
	s := serve(t, stores, nil)
	results := make(chan error, 3)
	start := func(properties map[string]string) {
		c := pluggabletest.NewClient(t, s.socket)
		go func() { results <- c.Init(context.Background(), meta("c", properties)) }()
	}
	start(map[string]string{"fail": "yes"})
	<-begun
	start(nil)
	start(nil)
	close(release)

	failures := 0
	for range 3 {
		if err := <-results; err != nil {
			assert.Equal(t, codes.InvalidArgument, status.Code(err))
			failures++
		}
	}
	assert.Equal(t, 1, failures)
	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick)
	assert.Equal(t, 1, s.Instances())
	s.stop()
	assert.Zero(t, stores.open())
}
