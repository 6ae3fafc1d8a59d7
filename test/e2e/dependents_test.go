//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// flattener is a component that works with an empty value, and shows which value
// it was initialised with: a file store whose names are joined by nestedSeparator,
// ":" if that is empty. Its one secret is a<separator>b.
func flattener(t *testing.T, name string, separator any) resource {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nested.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"a":{"b":"v"}}`), 0o600))
	return resource{
		name: name, kind: "secretstores.local.file", secretStore: "credentials",
		metadata: map[string]any{"secretsFile": file, "nestedSeparator": separator},
	}
}

// separatorOf tells which separator a flattener was initialised with.
func separatorOf(t *testing.T, side *sidecar, name string) string {
	t.Helper()
	for _, separator := range []string{":", ".", "_", "-"} {
		r, err := ask(t.Context(), side.daprd, name, "a"+separator+"b")
		require.NoError(t, err)
		if r.entries["a"+separator+"b"] == "v" {
			return separator
		}
	}
	return "none"
}

// separators are stores with a credential whose entry sep is the separator.
func separators(t *testing.T, separator string) *stores {
	t.Helper()
	s := newStores(t)
	s.config(t, "format", `{"credentialSource":"agent","sep":"sep-name","format":"sep-name"}`)
	s.secret(t, "sep-name", map[string]string{"value": separator})
	return s
}

// TestDependents has other components take their metadata from credentials.
func TestDependents(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	s.config(t, "unnamed", `{"credentialSource":"agent","sep":"sep-name"}`)
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(map[string]any{"responseFormat": "json"})),
		flattener(t, "with-key", secretKeyRef{"format", "sep"}),
		flattener(t, "without-key", secretKeyRef{"format", ""}),
		flattener(t, "without-key-or-field", secretKeyRef{"unnamed", ""}),
		flattener(t, "missing-key", secretKeyRef{"format", "nix"}),
		flattener(t, "missing-credential", secretKeyRef{"nowhere", "sep"}),
		resource{
			name: "database", kind: "state.sqlite", secretStore: "credentials", ignoreErrors: true,
			metadata: map[string]any{"connectionString": secretKeyRef{"format", "nix"}},
		},
	)
	for name, want := range map[string]string{
		"with-key":             ".",
		"without-key":          ".", // the entry named like the credential
		"without-key-or-field": ":", // there is none: the empty value
		"missing-key":          ":",
		"missing-credential":   ":",
	} {
		assert.Equal(t, want, separatorOf(t, side, name), name)
	}
	requireSaid(t, side.daprd, "missing connection string") // its Init went on, with an empty value
	requireSaid(t, side.daprd, `credential \"nowhere\": no such credential`)

	// What daprd asks for a secretKeyRef is flat; what an application asks is as
	// responseFormat has it.
	entries, _ := side.get(t, "credentials", "format", "fields=sep")
	require.Equal(t, map[string]string{"_value": `{"sep":"."}`}, entries)
}

// reconcileOften has daprd look every second, instead of every 60, whether a
// resource or a secret in it has changed.
var reconcileOften = []string{"--hot-reload-reconcile-interval", "1s"}

// TestReconcile has daprd fetch the secrets of other components again: one that is
// the same re-initialises nothing, one that changed the component that has it.
func TestReconcile(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	metrics, sockets := metricsAddress(t), socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Args: []string{"--metrics-listen", metrics}})
	dependent := flattener(t, "dependent", secretKeyRef{"format", "sep"})
	folder := newResourceFolder(t, credentials("credentials", s.metadata(nil)), dependent)
	side := &sidecar{component, startDaprd(t, sockets, folder, reconcileOften...), sockets, folder}
	const closing = "Closing existing Component to reload: dependent"

	asked := func() float64 { return metric(t, metrics, `credential_resolver_requests_total{code="OK"}`) }
	before := asked()
	require.Eventually(t, func() bool { return asked() >= before+3 }, patience, 5*tick, "daprd does not reconcile")
	require.Zero(t, count(side.daprd, closing), "the same answer has daprd initialise again")

	s.secret(t, "sep-name", map[string]string{"value": "_"})
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == "_" }, patience, 5*tick)
	requireSaidTimes(t, side.daprd, 1, closing)

	// A store that is down for several looks takes nothing away: daprd gets the last
	// good credential.
	const stale = "credential_resolver_stale_answers_total"
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("away.json")))
	require.Eventually(t, func() bool { return metric(t, metrics, stale) >= 2 }, patience, 5*tick)
	require.Equal(t, "_", separatorOf(t, side, "dependent"))
	requireSaidTimes(t, side.daprd, 1, closing)
	require.NoError(t, os.Rename(s.path("away.json"), s.path("secrets.json")))

	// daprd's trap: one failed Get at that moment takes the value away from a
	// component that worked, and for good, for daprd then compares an empty value
	// with an empty value and asks no more. An edit mends it.
	require.NoError(t, os.Rename(s.path("configs/format.json"), s.path("configs/away.json")))
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == ":" }, patience, 5*tick)
	require.NoError(t, os.Rename(s.path("configs/away.json"), s.path("configs/format.json")))
	before = asked()
	require.Never(t, func() bool { return asked() > before }, 3*time.Second, 10*tick, "daprd asks again, which would mend it")
	require.Equal(t, ":", separatorOf(t, side, "dependent"))
	dependent.metadata["multiValued"] = "false"
	folder.write(t, dependent)
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == "_" }, patience, 5*tick)
}

// TestDependentWaits starts daprd before the secrets are there: our Get waits for
// the store, so that the component that depends on it gets the right value.
func TestDependentWaits(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("later.json")))
	appears := time.AfterFunc(1500*time.Millisecond, func() { _ = os.Rename(s.path("later.json"), s.path("secrets.json")) })
	t.Cleanup(func() { appears.Stop() })
	begin := time.Now()
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(nil)), flattener(t, "dependent", secretKeyRef{"format", "sep"}))
	require.Equal(t, ".", separatorOf(t, side, "dependent"))
	require.Greater(t, time.Since(begin), 1500*time.Millisecond, "it has waited")
}
