package backend_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
	"credential-resolver/test/waiting"
)

const (
	// long is longer than any test waits. A wait that ends sooner ended for its own reason.
	long = waiting.Long
	tick = 10 * time.Millisecond
	guid = "0b3c2a54-0a3f-4f5e-9d0b-6a1f2f3e4d5c"
)

type fields = map[string]string

// silent returns options with a log that a test does not look at.
func silent(t *testing.T) store.Options {
	t.Helper()
	log := logger.NewLogger(t.Name())
	log.SetOutput(t.Output())
	log.SetOutputLevel(logger.FatalLevel)
	return store.Options{Logger: log, Limits: store.Limits{Timeout: long}, FirstAttempt: long}
}

// openLog returns a logger with a level, and a function that returns its text so far.
func openLog(t *testing.T, level logger.LogLevel) (log logger.Logger, text func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	log = logger.NewLogger(t.Name())
	log.SetOutput(f)
	log.SetOutputLevel(level)
	return log, func() string {
		written, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(written)
	}
}

func configSpec(storeType string, f fields) store.Spec {
	return store.Spec{Label: "configStore", Type: storeType, Fields: f}
}

func secretSpec(storeType string, f fields) store.Spec {
	return store.Spec{Label: "secretStore", Type: storeType, Fields: f}
}

// openConfigs opens a config store whose key is the GUID. It is closed when the test ends.
func openConfigs(t *testing.T, storeType string, f fields) *backend.ConfigStore {
	t.Helper()
	return openConfigsWith(t, configSpec(storeType, f), store.GUIDPlaceholder, silent(t))
}

func openConfigsWith(t *testing.T, spec store.Spec, key string, opts store.Options) *backend.ConfigStore {
	t.Helper()
	configs, err := backend.OpenConfigStore(t.Context(), spec, key, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, configs.Close()) })
	return configs
}

// refusedConfigs returns the error of a config store that cannot be opened.
func refusedConfigs(t *testing.T, storeType string, f fields) string {
	t.Helper()
	_, err := backend.OpenConfigStore(t.Context(), configSpec(storeType, f), store.GUIDPlaceholder, silent(t))
	require.Error(t, err)
	return err.Error()
}

func openSecrets(t *testing.T, storeType string, f fields) *backend.SecretStore {
	t.Helper()
	return openSecretsWith(t, secretSpec(storeType, f), silent(t))
}

func openSecretsWith(t *testing.T, spec store.Spec, opts store.Options) *backend.SecretStore {
	t.Helper()
	secrets, err := backend.OpenSecretStore(t.Context(), spec, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, secrets.Close()) })
	return secrets
}

func refusedSecrets(t *testing.T, storeType string, f fields) string {
	t.Helper()
	_, err := backend.OpenSecretStore(t.Context(), secretSpec(storeType, f), silent(t))
	require.Error(t, err)
	return err.Error()
}

// requireKind requires the kind of an error. Only NotFound may count as missing.
func requireKind(t *testing.T, want credential.Kind, err error) {
	t.Helper()
	storetest.RequireKind(t, want, err, "%v: %v", err, detail(err))
	require.Equal(t, want == credential.NotFound, store.Missing(err))
}

func detail(err error) error {
	var failure *credential.StoreError
	if errors.As(err, &failure) {
		return failure.Err
	}
	return nil
}

// within returns a context that gives a call enough time but ends if a store hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	t.Cleanup(cancel)
	return ctx
}

// brief returns a context with very little time.
func brief(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), tick)
	t.Cleanup(cancel)
	return ctx
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// replaceFile replaces a file by renaming another one, as editors and kubelets do.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	writeFile(t, next, text)
	require.NoError(t, os.Rename(next, path))
}

func tempFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	writeFile(t, path, text)
	return path
}
