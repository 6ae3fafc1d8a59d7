package audit_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/audit"
	"credential-resolver/internal/owned"
)

// rename renames a log as logrotate does, and creates a new one.
func rename(t *testing.T, path, to string) {
	t.Helper()
	require.NoError(t, os.Rename(path, to))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestTheChainContinuesInANewFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		f := onFile(t, path)
		for _, to := range []string{path + ".2", path + ".1"} {
			f.readAll(3)
			<-time.After(time.Second)
			rename(t, path, to)
		}
		f.readAll(3)
		f.Close()

		files := []string{readFile(t, path+".2"), readFile(t, path+".1"), readFile(t, path)}
		options := audit.VerifyOptions{Keys: f.keys}
		report := verify(t, options, files...)
		assert.Empty(t, report.Findings)
		assert.Equal(t, 1+3+1+3+1+3+1, report.Lines)

		report = verify(t, options, files[1:]...)
		assert.Zero(t, report.Bad)
		assert.Contains(t, findings(report), "1:1: the chain begins in an earlier file, with lines up to 4")
		for name, wrong := range map[string][]string{
			"a file in the middle is missing":  {files[0], files[2]},
			"the files are in the wrong order": {files[2], files[1], files[0]},
			"a file is there twice":            {files[0], files[0], files[1], files[2]},
			"the top of a file is missing":     {files[0], removeLine(files[1], 1), files[2]},
			"the end of a file is missing":     {removeLine(files[0], 4), files[1], files[2]},
			"the first file begins later":      {removeLine(files[1], 1), files[2]},
		} {
			assert.Positive(t, verify(t, options, wrong...).Bad, name)
		}
	})
}

// logrotate renames a file some time before it creates the new one.
func TestARenamedFileIsUsedUntilTheNewOneIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		f := onFile(t, path)
		<-time.After(time.Second)
		require.NoError(t, os.Rename(path, path+".1"))
		f.readAll(1)
		<-time.After(time.Second)
		assert.NoFileExists(t, path)
		f.readAll(1)
		<-time.After(2 * time.Second)
		f.readAll(1)
		<-time.After(time.Second)
		assert.FileExists(t, path, "logrotate does not always create one")
		f.Close()
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, readFile(t, path+".1"), readFile(t, path))
		assert.Empty(t, report.Findings)
		assert.Equal(t, 6, report.Lines)
	})
}

// A log without requests must not wait for one: its renamed file may be compressed a day later.
func TestARotationWithoutRequestsIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		f := onFile(t, path)
		<-time.After(1500 * time.Millisecond)
		rename(t, path, path+".2")
		<-time.After(2 * time.Second)
		assert.Contains(t, readFile(t, path), `"event":"file"`)
		require.NoError(t, os.Rename(path, path+".1"))
		<-time.After(4 * time.Second)
		assert.FileExists(t, path)
		f.Close()
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, readFile(t, path+".2"), readFile(t, path+".1"), readFile(t, path))
		assert.Empty(t, report.Findings)
		assert.Equal(t, 4, report.Lines, "start, file, file, stop")
	})
}

func TestARotationBeforeTheFirstLineBeginsTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		f := onFile(t, path)
		rename(t, path, path+".1")
		f.readAll(1)
		<-time.After(time.Second)
		f.Close()
		assert.Empty(t, readFile(t, path+".1"))
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, readFile(t, path))
		assert.Empty(t, report.Findings)
		assert.Equal(t, 3, report.Lines)
	})
}

func TestARestartAfterARotationBeginsAChain(t *testing.T) {
	path := logPath(t)
	onFile(t, path).Close()
	rename(t, path, path+".1")
	onFile(t, path).Close()
	report := verify(t, audit.VerifyOptions{Keys: newKeys(t, "k")}, readFile(t, path+".1"), readFile(t, path))
	assert.Zero(t, report.Bad)
	assert.Contains(t, findings(report), "2:1: a new chain begins here")
}

// What cannot be opened must not stop the lines.
func TestAFileThatCannotBeReplacedStaysInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		f := onFile(t, path)
		<-time.After(time.Second)
		require.NoError(t, os.Rename(path, path+".1"))
		require.NoError(t, os.Symlink(path+".1", path))
		f.readAll(2)
		<-time.After(time.Second)
		f.readAll(2)
		f.Close()
		assert.Contains(t, f.log.String(), "the file was renamed, and changing to a new one failed: "+path)
		report := verify(t, audit.VerifyOptions{Keys: f.keys}, readFile(t, path+".1"))
		assert.Empty(t, report.Findings)
		assert.Equal(t, 6, report.Lines)
	})
}

func TestAFileThatOthersCanChangeIsRefused(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "audit.log")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o622))
	_, err := audit.OpenFile(path)
	var refusal *owned.Refusal
	require.ErrorAs(t, err, &refusal)
	require.NoError(t, os.Chmod(folder, 0o777))
	_, err = audit.OpenFile(filepath.Join(folder, "other.log"))
	require.ErrorAs(t, err, &refusal)
	_, err = audit.OpenFile("/dev/full")
	require.ErrorContains(t, err, "is not a regular file")
}

func TestOnlyOneProcessWritesToAFile(t *testing.T) {
	path := logPath(t)
	f := onFile(t, path)
	_, err := audit.OpenFile(path)
	require.ErrorContains(t, err, "another process writes to "+path+": give each process a file of its own")
	f.Close()
	require.NoError(t, openFile(t, path).Close())
}
