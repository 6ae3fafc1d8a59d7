package backend_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
)

const notConnected = "configStore (state.sqlite) is not connected yet: no such file or directory; trying again"

func TestStoreThatIsNotConnectedIsLoggedWithoutItsMetadata(t *testing.T) {
	tests := map[logger.LogLevel]string{
		logger.InfoLevel:  notConnected,
		logger.DebugLevel: "configStore (state.sqlite): [redacted]: no such file or directory",
	}
	for level, want := range tests {
		t.Run(string(level), func(t *testing.T) {
			log, text := openLog(t, level)
			openConfigsWith(t, missingFolder(t), store.GUIDPlaceholder, store.Options{Logger: log})
			require.Eventually(t, func() bool { return strings.Contains(text(), want) }, long, tick)
			require.Contains(t, text(), notConnected)
			require.NotContains(t, text(), canary)
		})
	}
}

func missingFolder(t *testing.T) store.Spec {
	t.Helper()
	return configSpec("state.sqlite", fields{"connectionString": filepath.Join(t.TempDir(), canary, "a.db")})
}

func TestCommandReportsOnlyItsError(t *testing.T) {
	log, text := openLog(t, logger.DebugLevel)
	spec := missingFolder(t)
	_, err := backend.OpenConfigStore(within(t), spec, store.GUIDPlaceholder,
		store.Options{Logger: log, FailFast: true})
	require.ErrorContains(t, err, spec.Fields["connectionString"]+": no such file or directory", "a command may show the path that its user wrote")
	require.Empty(t, text())
}

func TestStoreLogIsShownOnlyAtDebugLevel(t *testing.T) {
	for level, optionsWithLog := range map[logger.LogLevel]bool{logger.InfoLevel: false, logger.DebugLevel: true} {
		log, text := openLog(t, level)
		configs := openConfigsWith(t, configSpec("bindings.localstorage", fields{"rootPath": t.TempDir()}),
			store.GUIDPlaceholder, store.Options{Logger: log})
		require.NoError(t, configs.Put(within(t), guid, []byte("{}")))
		require.Equal(t, optionsWithLog, text() != "", text())
	}
}
