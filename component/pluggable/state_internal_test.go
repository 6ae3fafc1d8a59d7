package pluggable

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// absent returns a process of another PID namespace.
func absent(n int) process { return process{uid: 1, pidfd: uint64(n)} }

func newTestState(t *testing.T) *stateFolder {
	t.Helper()
	s, err := openState(t.TempDir(), "/socket", true, nil)
	require.NoError(t, err)
	t.Cleanup(s.close)
	return s
}

// names returns the names of the remembered Components.
func (s *stateFolder) names(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range s.load(func(path string, why error) { assert.NoError(t, why, path) }) {
		names = append(names, r.Component)
	}
	return names
}

func TestARecordOfAnotherBootIsRemoved(t *testing.T) {
	s := newTestState(t)
	own, _ := startTime(int32(os.Getpid()))
	visible := process{pid: int32(os.Getpid()), start: own}
	for name, peer := range map[string]process{"visible": visible, "absent": absent(7), "single": {uid: 1}} {
		require.NoError(t, s.save("secretstores", instanceKey{peer, name}, nil))
	}
	assert.ElementsMatch(t, []string{"visible", "absent", "single"}, s.names(t))

	files, err := filepath.Glob(filepath.Join(s.path, "*"))
	require.NoError(t, err)
	for _, path := range files {
		replaceIn(t, path, fmt.Sprintf(`"boot":%q`, bootID()), `"boot":"another"`)
	}
	assert.Equal(t, []string{"single"}, s.names(t), "after a boot, a pid or pidfd identifies nothing")
	assert.Equal(t, []string{"single"}, s.names(t), "their files must be gone")
}

func TestTheOldestRecordOfAnAbsentProcessMakesRoom(t *testing.T) {
	s := newTestState(t)
	large := map[string]string{"value": strings.Repeat("x", maxState*22/100)} // four of these fit
	save := func(name string, peer process, age time.Duration) error {
		key := instanceKey{peer, name}
		err := s.save("secretstores", key, large)
		if err == nil {
			then := time.Now().Add(-age)
			require.NoError(t, os.Chtimes(filepath.Join(s.path, fileName("secretstores", key)), then, then))
		}
		return err
	}
	require.NoError(t, save("single", process{uid: 1}, 3*time.Hour))
	require.NoError(t, save("old", absent(1), 2*time.Hour))
	require.NoError(t, save("new", absent(2), time.Hour))
	require.NoError(t, save("newer", absent(3), 0))
	require.NoError(t, save("newest", absent(4), 0))
	assert.ElementsMatch(t, []string{"single", "new", "newer", "newest"}, s.names(t))

	require.NoError(t, save("new", absent(2), time.Hour), "it replaces its own record")
	assert.ElementsMatch(t, []string{"single", "new", "newer", "newest"}, s.names(t))

	require.ErrorContains(t, save("more", absent(2), 0), "the records of its daprd", "each has a share")
	require.NoError(t, save("two", process{uid: 2}, 0))
	require.NoError(t, save("three", process{uid: 3}, 0))
	require.NoError(t, save("four", process{uid: 4}, 0))
	require.Error(t, save("five", process{uid: 5}, 0), "none of the remaining processes is absent")
	assert.ElementsMatch(t, []string{"single", "two", "three", "four"}, s.names(t))
}

func TestARecordSaysWhetherItIsOfOneDaprd(t *testing.T) {
	for peer, want := range map[process]bool{
		{uid: 1}: true, {uid: 1, pid: 2, start: 3}: false, absent(1): false,
	} {
		assert.Equal(t, want, newRecord("secretstores", instanceKey{peer, "c"}, nil).single(), peer)
	}
}

func TestARecordThatIsNotThereIsRemoved(t *testing.T) {
	s := newTestState(t)
	require.NoError(t, s.remove("secretstores", instanceKey{absent(1), "c"}))
}

func TestTheDefaultStateFolderIsInMemory(t *testing.T) {
	for runtime, want := range map[string]string{
		"/run/user/7": "/run/user/7/x", "": "/run/x", "relative": "/run/x",
	} {
		t.Setenv("XDG_RUNTIME_DIR", runtime)
		assert.Equal(t, want, StateFolder("x"))
	}
}

func TestARecordOfAnotherVersionIsLeftAsItIs(t *testing.T) {
	s := newTestState(t)
	for name, peer := range map[string]process{"of this version": absent(1), "newer": absent(2), "older": absent(3)} {
		require.NoError(t, s.save("secretstores", instanceKey{peer, name}, nil))
	}
	path := func(name string, peer process) string {
		return filepath.Join(s.path, fileName("secretstores", instanceKey{peer, name}))
	}
	newer, older := path("newer", absent(2)), path("older", absent(3))
	replaceIn(t, newer, fmt.Sprintf(`"version":%d`, stateVersion), fmt.Sprintf(`"version":%d`, stateVersion+1))
	replaceIn(t, older, fmt.Sprintf(`"version":%d`, stateVersion), fmt.Sprintf(`"version":%d`, stateVersion-1))
	replaceIn(t, older, fmt.Sprintf(`"boot":%q`, bootID()), `"boot":"another"`)

	told := map[string]string{}
	records := s.load(func(path string, why error) { told[path] = why.Error() })

	require.Len(t, records, 1)
	assert.Equal(t, "of this version", records[0].Component)
	assert.Equal(t, map[string]string{
		newer: fmt.Sprintf("its version is %d, but this program reads version %d: restart its daprd", stateVersion+1, stateVersion),
		older: fmt.Sprintf("its version is %d, but this program reads version %d: restart its daprd", stateVersion-1, stateVersion),
	}, told)
	assert.FileExists(t, newer)
	assert.FileExists(t, older, "only its own version knows whether its process has ended")
}

// TestARecordThatGrowsMakesNoRoomForItself has the oldest record of an absent process be replaced
// by a larger one.
func TestARecordThatGrowsMakesNoRoomForItself(t *testing.T) {
	s := newTestState(t)
	save := func(peer process, percent int, age time.Duration) {
		key := instanceKey{peer, peer.id()}
		require.NoError(t, s.save("secretstores", key, map[string]string{"value": strings.Repeat("x", maxState*percent/100)}))
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(s.path, fileName("secretstores", key)), then, then))
	}
	save(absent(1), 8, 5*time.Hour)
	for n := range 4 {
		save(absent(2+n), 22, time.Duration(4-n)*time.Hour)
	}
	require.Len(t, s.names(t), 5)

	save(absent(1), 20, 0)

	assert.ElementsMatch(t, []string{absent(1).id(), absent(3).id(), absent(4).id(), absent(5).id()}, s.names(t))
}

// replaceIn replaces a text that a file has.
func replaceIn(t *testing.T, path, old, changed string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, changed, 1)), 0o600))
}

func TestStateOnADiskIsRefused(t *testing.T) {
	folder := t.TempDir()
	onDisk := checkInMemory(folder)
	state, err := openState(folder, "/s", false, nil)
	if onDisk == nil {
		require.NoError(t, err, "the folder is in memory")
		state.close()
		return
	}
	require.EqualError(t, err, onDisk.Error())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}
