//go:build tutorial

package tutorial

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/session"
)

// document is a document whose commands a reader runs.
type document struct {
	// prepare prepares the reader's machine.
	prepare func(t *testing.T, r reader) session.Options
	// before is what the reader has already done.
	before string
}

// documents are those that are run, by their paths in the repository.
var documents = map[string]document{
	"README.md":               {prepare: withDaprd},
	"docs/audit.md":           {prepare: installed, before: "ask() {\n" + awaitComponent + store("analytics-db") + startDaprd + ask("analytics-db") + awaitLine + "}\n"},
	"docs/check.md":           {prepare: installed, before: store("analytics-db") + store("crm-api") + store("warehouse")},
	"docs/explain.md":         {prepare: installed, before: startComponent + awaitComponent + store("crm-api") + store("analytics-db") + startDaprd + ask("crm-api")},
	"docs/reference.md":       {prepare: installed, before: startComponent + awaitComponent + startLocal + awaitDaprd},
	"docs/references.md":      {prepare: installed, before: store("crm-api")},
	"docs/tutorial-laptop.md": {prepare: laptop},
	"docs/vault.md":           {prepare: withVault, before: startVault + vaultFiles + vaultInPod},
}

// TestTutorials does every step of each document in a copy of the repository, as a reader with a new
// home does.
func TestTutorials(t *testing.T) {
	for path, d := range documents {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../..", path))
			require.NoError(t, err)
			steps, err := session.Parse(string(text))
			require.NoError(t, err)
			steps = append([]session.Step{{Hidden: true, Command: d.before}}, steps...)
			options := d.prepare(t, newReader(t))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()

			err = session.Run(ctx, steps, options)
			if err != nil {
				logFiles(t, options.Dir)
			}
			require.NoError(t, err, path)
		})
	}
}

// logFiles shows the logs that a reader has in a folder.
func logFiles(t *testing.T, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.log"))
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		t.Logf("%s:\n%s", filepath.Base(path), text)
	}
}
