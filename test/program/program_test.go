package program_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/program"
)

// Without the lock, one in some hundred of these programs cannot be started.
func TestProgramStartsWhileOthersAreWritten(t *testing.T) {
	folder := t.TempDir()
	failures := make([]error, 8)
	var all sync.WaitGroup
	for i := range failures {
		all.Go(func() {
			for round := range 50 {
				path := filepath.Join(folder, strconv.Itoa(i)+"-"+strconv.Itoa(round))
				program.Write(t, path, []byte("#!/bin/sh\n"), 0o700)
				if failures[i] = exec.CommandContext(t.Context(), path).Run(); failures[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for _, failure := range failures {
		require.NoError(t, failure)
	}
}
