//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestPlaceholders uses placeholders in metadata. daprd replaces them before the component sees
// them, so one Component file can serve applications with separate configs.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "app-c", `{"credentialSource":"agent","password":"pw"}`)
	s.config(t, "other-c", `{"credentialSource":"agent","password":"other-pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	s.secret(t, "other-pw", map[string]string{"value": "of another application"})
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(map[string]any{"configKey": "{appID}-{guid}.json"})))
	entries, failure := side.get(t, "credentials", "c")
	require.Empty(t, failure)
	require.Equal(t, "right", entries["password"])
}

// TestComponentNames uses a name that YAML reads as a boolean. Without quotes, daprd knows the
// Component as "true".
func TestComponentNames(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "c", `{"a":"b"}`)
	side := startSidecar(t, harness.ComponentOptions{}, credentials("on", s.metadata(nil)))
	require.Equal(t, "b", side.ask(t, "on", "c").entries["a"])

	unquoted := strings.Replace(credentials("on", s.metadata(nil)).yaml(), `name: "on"`, "name: on", 1)
	side.folder.writeFile(t, "on.yaml", unquoted)
	require.Eventually(t, func() bool { return side.ask(t, "true", "c").entries["a"] == "b" }, patience, tick)
	require.NotEmpty(t, side.ask(t, "on", "c").code)
}
