//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// takeovers are the folders of testdata/takeover: files that earlier versions left. The value says
// whether this version reads the state in it. It reads the database of each.
var takeovers = map[string]bool{"a43e73c": false, "f31ff28": true, "c327d73": true}

// sealedFolder has the encrypted state of the same versions. A test of package pluggable reads it.
const sealedFolder = "../../component/pluggable/testdata/takeover"

// record writes the files of a version, after it was stopped.
func (d *deployment) record(t *testing.T, encrypted bool, want map[string]map[string]string) {
	t.Helper()
	if encrypted {
		copyTree(t, filepath.Join(sealedFolder, *record), d.state(t))
		return
	}
	folder := filepath.Join("testdata/takeover", *record)
	copyTree(t, filepath.Join(folder, "state"), d.options.StateDir)
	for _, pattern := range []string{"*.json", "answers/*/*"} {
		for _, path := range d.files(t, pattern) {
			within, err := filepath.Rel(d.options.StateDir, path)
			require.NoError(t, err)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			text = regexp.MustCompile(`"boot":"[^"]*"`).ReplaceAll(text, []byte(`"boot":"another"`))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "state", within), text, 0o600))
		}
	}
	copyTree(t, folder, d.options.Dir)
	writeJSON(t, filepath.Join(folder, "recorded.json"), recorded{d.socket(), want})
}

// recorded is what a version's folder holds besides the version's own files.
type recorded struct {
	Socket  string                       // its path, which the name of the state's folder depends on
	Answers map[string]map[string]string // the answer for each GUID
}

func (d *deployment) socket() string {
	return filepath.Join(d.options.SocketFolder, "credential-resolver.sock")
}

// stateName returns the name of the folder with the state of a socket.
func stateName(socket string) string {
	hash := sha256.Sum256([]byte(socket))
	return hex.EncodeToString(hash[:8])
}

// takeOver starts this version of the component on the files of an earlier one, beside a daprd
// that does not repeat its Init. change, unless it is nil, changes each file of the state.
func takeOver(t *testing.T, version string, change func(text []byte) []byte) (*deployment, recorded) {
	t.Helper()
	folder := filepath.Join("testdata/takeover", version)
	var was recorded
	readJSON(t, filepath.Join(folder, "recorded.json"), &was)
	d := newDeployment(t, folder, false)
	d.start(t, resolverBinary(t))
	d.startDaprd(t)
	d.credentials(t, slices.Collect(maps.Keys(was.Answers))...)
	d.awaitAnswers(t, len(was.Answers))
	d.component.Kill()

	now := d.identity(t)
	require.Equal(t, stateName(d.socket()), filepath.Base(d.state(t)))
	require.NoError(t, os.RemoveAll(d.state(t)))
	d.copyFiles(t, folder)
	copyTree(t, filepath.Join(d.options.StateDir, stateName(d.socket())), filepath.Join(folder, "state", stateName(was.Socket)))
	records, answers := d.files(t, "*.json"), d.files(t, "answers/*/*")
	require.Len(t, records, 1)
	for _, path := range slices.Concat(records, answers) {
		now.give(t, path, change)
	}
	d.hideSecrets(t)
	d.start(t, resolverBinary(t))
	return d, was
}

// identity is what the state of a daprd depends on: which process it is, and when an answer was
// read. No other daprd and no other boot has the same.
type identity struct{ record, answer map[string]json.RawMessage }

// identity reads the identity of the present daprd from the present state.
func (d *deployment) identity(t *testing.T) (now identity) {
	t.Helper()
	readJSON(t, d.files(t, "*.json")[0], &now.record)
	text, err := os.ReadFile(d.files(t, "answers/*/*")[0])
	require.NoError(t, err)
	header, _, _ := bytes.Cut(text, []byte("\n"))
	require.NoError(t, json.Unmarshal(header, &now.answer))
	return now
}

// peerID is the part of a record's file name that names the daprd.
func peerID(record map[string]json.RawMessage) string {
	return fmt.Sprintf("-%s-%s-%s-%s-0-0-", record["uid"], record["gid"], record["pid"], record["start"])
}

// give replaces the identity in a file of the state, and in its name. What the file does not have,
// as in other formats, it does not get.
func (now identity) give(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	header, rest, isAnswer := bytes.Cut(text, []byte("\n"))
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(header, &fields))
	from, names := now.record, []string{"boot", "uid", "gid", "pid", "start"}
	if isAnswer {
		from, names = now.answer, []string{"boot", "read"}
	}
	oldID := peerID(fields)
	for _, name := range names {
		if _, ok := fields[name]; ok {
			fields[name] = from[name]
		}
	}
	header, err = json.Marshal(fields)
	require.NoError(t, err)
	if isAnswer {
		header = append(append(header, '\n'), rest...)
	}
	if change != nil {
		header = change(header)
	}
	require.NoError(t, os.Remove(path))
	path = filepath.Join(filepath.Dir(path), string(bytes.Replace([]byte(filepath.Base(path)), []byte(oldID), []byte(peerID(fields)), 1)))
	require.NoError(t, os.WriteFile(path, header, 0o600))
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

// TestTakeover starts this version on the state and the database of earlier ones.
func TestTakeover(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata/takeover")
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() {
			require.Contains(t, takeovers, entry.Name())
		}
	}
	for version, readable := range takeovers {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d, was := takeOver(t, version, nil)
			guids := slices.Sorted(maps.Keys(was.Answers))
			if readable {
				require.Equal(t, was.Answers, d.credentials(t, guids...), "from the last good answers, because the secrets are hidden")
			} else {
				requireNotTakenOver(t, d, 1)
				d.daprd.Kill()
				d.startDaprd(t)
			}
			d.showSecrets(t)
			requireDatabase(t, d, was, guids)
		})
	}
}

// requireDatabase requires that a database of another version can be read and written.
func requireDatabase(t *testing.T, d *deployment, was recorded, guids []string) {
	t.Helper()
	require.Equal(t, guids, d.guids(t))
	for _, guid := range guids {
		config, err := os.ReadFile(d.path(guid + ".json"))
		require.NoError(t, err)
		require.Equal(t, string(config), d.command(t, "get", guid), "its bytes must be as they were stored")
		entries, failure := d.get(t, "credentials", guid, "refresh=true")
		require.Empty(t, failure)
		require.Equal(t, was.Answers[guid], entries, "from the database")
	}

	d.command(t, "put", "--guid", "later", "agent.json")
	d.command(t, "delete", "agent")
	want := append(slices.Clone(guids), "later")
	require.ElementsMatch(t, want[1:], d.guids(t))
	require.Equal(t, was.Answers["agent"], d.credentials(t, "later")["later"])
}

// requireNotTakenOver requires that the component ignores the state, and says why and what to do.
func requireNotTakenOver(t *testing.T, d *deployment, format int) {
	t.Helper()
	requireSaid(t, d.component, fmt.Sprintf("its version is %d, but this program reads version 2: restart its daprd", format))
	_, failure := d.answer(t, "agent")
	require.Contains(t, failure, "code = Unavailable")
	require.Contains(t, failure, "restart daprd")
	require.Len(t, d.files(t, "*.json"), 1, "the file must be there if its version is started again")
}

// TestStateOfALaterVersionIsIgnored takes over a state whose format this version does not know, as
// after a roll back.
func TestStateOfALaterVersionIsIgnored(t *testing.T) {
	t.Parallel()
	d, was := takeOver(t, "f31ff28", func(text []byte) []byte {
		for format := range 3 {
			text = bytes.Replace(text, fmt.Appendf(nil, `"version":%d`, format), []byte(`"version":99`), 1)
		}
		return text
	})
	requireNotTakenOver(t, d, 99)
	requireSaidTimes(t, d.component, len(was.Answers), "its version is 99, but this program reads version 1")
	require.Empty(t, d.files(t, "answers/*/*"))
	d.daprd.Kill()
	d.startDaprd(t)
	d.showSecrets(t)
	require.Equal(t, was.Answers, d.credentials(t, slices.Collect(maps.Keys(was.Answers))...))
}

// TestAnAnswerThatIsNoCredentialIsNamed takes over last good answers whose files are whole, but
// hold no credential.
func TestAnAnswerThatIsNoCredentialIsNamed(t *testing.T) {
	t.Parallel()
	d, was := takeOver(t, "f31ff28", func(text []byte) []byte {
		line, answer, _ := bytes.Cut(text, []byte("\n"))
		line, isAnswer := replaceSum(line, answer, []byte("{}"))
		if !isAnswer {
			return text
		}
		return append(line, "\n{}"...)
	})
	requireSaidTimes(t, d.component, len(was.Answers), "is removed: it is not a complete credential")
	require.Eventually(t, func() bool { return len(d.files(t, "answers/*/*")) == 0 }, patience, tick)
}

// replaceSum returns the first line of an answer file for another text. It returns false if the
// line is not that of an answer with the text was.
func replaceSum(line, was, text []byte) ([]byte, bool) {
	hexSum := func(text []byte) []byte {
		sum := sha256.Sum256(text)
		return []byte(hex.EncodeToString(sum[:]))
	}
	return bytes.Replace(line, hexSum(was), hexSum(text), 1), bytes.Contains(line, hexSum(was))
}
