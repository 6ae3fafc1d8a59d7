package backend_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSQLitePragmaRunsNoOtherStatement uses metadata that would write a file as the component's
// user.
func TestSQLitePragmaRunsNoOtherStatement(t *testing.T) {
	for name, statement := range map[string]string{
		"VACUUM INTO": `user_version=1;vacuum into '%s'`,
		"ATTACH":      `user_version;attach '%s' as x;create table x.t (a)`,
		"a comment":   `user_version/*x*/; /* */vacuum into '%s'`,
	} {
		for _, field := range []string{"connectionString", "url", "ConnectionString"} {
			t.Run(name+" by "+field, func(t *testing.T) {
				folder := t.TempDir()
				written := filepath.Join(folder, "canary")
				pragma := url.QueryEscape(fmt.Sprintf(statement, written))
				text := refusedConfigs(t, "state.sqlite", fields{field: filepath.Join(folder, "c.db") + "?_pragma=cache_size(10)&_pragma=" + pragma})
				require.Contains(t, text, "connectionString has a _pragma with a semicolon in it")
				require.NotContains(t, text, "canary")
				require.NoFileExists(t, written)
			})
		}
	}
	t.Chdir(t.TempDir())
	text := refusedConfigs(t, "state.sqlite", fields{"connectionString": "c.db?_pragma=a;b"})
	require.Contains(t, text, "connectionString has options that cannot be parsed")
}

func TestSQLitePragmasAreTaken(t *testing.T) {
	storeOne(t, fields{"connectionString": filepath.Join(t.TempDir(), "c.db") + "?_pragma=cache_size(100)&_pragma=temp_store%3Dmemory"})
}
