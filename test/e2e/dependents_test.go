//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// flattener is a component that also works with an empty metadata value, and that shows its
// value: a file store that joins names with nestedSeparator, or with ":" if that is empty. Its
// only secret is a<separator>b.
func flattener(t *testing.T, name string, separator any) resource {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nested.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"a":{"b":"v"}}`), 0o600))
	return resource{
		name: name, kind: "secretstores.local.file", secretStore: "credentials",
		metadata: map[string]any{"secretsFile": file, "nestedSeparator": separator},
	}
}

// separatorOf returns the separator that a flattener was initialised with, or what daprd says
// if it has none.
func separatorOf(t *testing.T, side *sidecar, name string) string {
	t.Helper()
	said := "none"
	for _, separator := range []string{":", ".", "_", "-"} {
		r, err := ask(t.Context(), side.daprd, name, "a"+separator+"b")
		require.NoError(t, err)
		if r.entries["a"+separator+"b"] == "v" {
			return separator
		}
		said += fmt.Sprintf("; %s: status %d, %s", separator, r.status, r.message)
	}
	return said
}

// separators returns stores with a credential whose entry "sep" is the separator.
func separators(t *testing.T, separator string) *stores {
	t.Helper()
	s := newStores(t)
	s.config(t, "format", `{"credentialSource":"agent","sep":"sep-name","format":"sep-name"}`)
	s.secret(t, "sep-name", map[string]string{"value": separator})
	return s
}

// TestDependents lets other components get their metadata from credentials.
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
		"without-key":          ".", // the entry with the credential's own name
		"without-key-or-field": ":", // no such entry: the empty value
		"missing-key":          ":",
		"missing-credential":   ":",
	} {
		assert.Equal(t, want, separatorOf(t, side, name), name)
	}
	requireSaid(t, side.daprd, "missing connection string") // its Init ran with an empty value
	requireSaid(t, side.daprd, `credential \"nowhere\": no such credential`)

	// An answer for a secretKeyRef is flat. An answer for an application has the format of
	// responseFormat.
	entries, _ := side.get(t, "credentials", "format", "fields=sep")
	require.Equal(t, map[string]string{"_value": `{"sep":"."}`}, entries)
}

// reconcileOften makes daprd check every second, instead of every 60, whether a resource or one
// of its secrets has changed.
var reconcileOften = []string{"--hot-reload-reconcile-interval", "1s"}

// TestReconcile lets daprd fetch the secrets of other components again. A changed secret must
// re-initialise the component that uses it. An unchanged one must not.
func TestReconcile(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Metrics: true})
	metrics := component.Metrics
	dependent := flattener(t, "dependent", secretKeyRef{"format", "sep"})
	folder := newResourceFolder(t, credentials("credentials", s.metadata(nil)), dependent)
	side := &sidecar{component, startDaprd(t, sockets, folder, reconcileOften...), sockets, folder}
	const closing = "Closing existing Component to reload: dependent"

	asked := func() float64 { return metric(t, metrics, `credential_resolver_requests_total{code="OK"}`) }
	before := asked()
	require.Eventually(t, func() bool { return asked() >= before+3 }, patience, 5*tick, "daprd does not reconcile")
	require.Zero(t, count(side.daprd, closing), "an unchanged answer must not make daprd initialise the component again")

	s.secret(t, "sep-name", map[string]string{"value": "_"})
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == "_" }, patience, 5*tick)
	requireSaidTimes(t, side.daprd, 1, closing)

	// A store that is down for several reconciliations must not remove a value: daprd gets the
	// last good credential.
	const stale = "credential_resolver_stale_answers_total"
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("away.json")))
	require.Eventually(t, func() bool { return metric(t, metrics, stale) >= 2 }, patience, 5*tick)
	require.Equal(t, "_", separatorOf(t, side, "dependent"))
	requireSaidTimes(t, side.daprd, 1, closing)
	require.NoError(t, os.Rename(s.path("away.json"), s.path("secrets.json")))

	// A trap of daprd: one failed Get at this moment replaces the value by an empty one, in a
	// component that worked. daprd then compares empty with empty and does not ask again. Only
	// an edit of the component helps.
	require.NoError(t, os.Rename(s.path("configs/format.json"), s.path("configs/away.json")))
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == ":" }, patience, 5*tick)
	require.NoError(t, os.Rename(s.path("configs/away.json"), s.path("configs/format.json")))
	before = asked()
	require.Never(t, func() bool { return asked() > before }, 3*time.Second, 10*tick, "daprd asks again: remove this trap from the documentation")
	require.Equal(t, ":", separatorOf(t, side, "dependent"))
	dependent.metadata["multiValued"] = "false"
	folder.write(t, dependent)
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == "_" }, patience, 5*tick)
}

// TestDependentWaits starts daprd before the secrets exist. Our Get must wait for the store, so
// that the dependent component gets the right value.
func TestDependentWaits(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("later.json")))
	sockets := socketFolder(t)
	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	daprd := launchDaprd(t, sockets, newResourceFolder(t,
		credentials("credentials", s.metadata(map[string]any{"requestTimeout": "1m"})), // which the Get may use up
		flattener(t, "dependent", secretKeyRef{"format", "sep"})))
	requireSaid(t, daprd, "Component loaded: credentials") // now comes the Get
	require.Zero(t, count(daprd, "Component loaded: dependent"))
	require.NoError(t, os.Rename(s.path("later.json"), s.path("secrets.json")))
	require.NoError(t, daprd.AwaitReady(t.Context()))
	require.Equal(t, ".", separatorOf(t, &sidecar{daprd: daprd}, "dependent"))
}
