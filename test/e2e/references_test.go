//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

const explicitBlock = `{"credential-resolver":{"references":"explicit"},`

// TestExplicitReferences requests credentials with explicit references from the default config
// store.
func TestExplicitReferences(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.secret(t, "db", map[string]string{"user": "reader", "password": `p@s"s word`, "hostile": "${db#user}"})
	s.secret(t, "one", map[string]string{"value": "only"})
	s.secret(t, "typed", map[string]string{"json": `{"port":5432.00,"tls":true}`})
	s.secret(t, "forbidden", map[string]string{"value": "never"})
	second := newStores(t)
	second.secret(t, "one", map[string]string{"value": "of the second"})
	data := t.TempDir()
	for guid, fields := range map[string]string{
		"values": `"user":{"secretKeyRef":{"name":"db","key":"user"}},"port":{"secretKeyRef":{"name":"typed","key":"port"}},"literal":"db","big":12345678901234567,` +
			`"extra":{"list":[1.50,{"secretKeyRef":{"name":"one"}}],"other":{"secretKeyRef":{"name":"one","store":"second"}}}`,
		"texts": `"url":"postgres://${db#user}:${db#password|urlquery}@h","basic":"${db#password|base64}","json":"{\"p\":${db#password|json}}",` +
			`"escaped":"$${db#user}","once":"${db#hostile}"`,
		"optional": `"a":{"secretKeyRef":{"name":"none","optional":true}},"b":{"secretKeyRef":{"name":"db","key":"none","default":7.50}},"c":"x"`,
		"missing":  `"a":"x","extra":{"token":"${none#key}"}`,
		"denied":   `"a":{"secretKeyRef":{"name":"forbidden","optional":true}}`,
	} {
		put(t, data, guid, explicitBlock+fields+"}")
	}
	side := startSidecar(t, harness.ComponentOptions{Env: []string{"XDG_DATA_HOME=" + data}},
		credentials("credentials", map[string]any{
			"secretStore": "secretstores.local.file", "secretStore.secretsFile": s.path("secrets.json"), "secretStore.multiValued": "true",
			"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": second.path("secrets.json"),
			"secretStores.second.multiValued": "true", "allowedSecrets": "db,one,typed,none",
		}))
	for guid, want := range map[string]string{
		"values":   `{"user":"reader","port":5432.00,"literal":"db","big":12345678901234567,"extra":{"list":[1.50,"only"],"other":"of the second"}}`,
		"texts":    `{"url":"postgres://reader:p%40s%22s%20word@h","basic":"cEBzInMgd29yZA==","json":"{\"p\":\"p@s\\\"s word\"}","escaped":"${db#user}","once":"${db#user}"}`,
		"optional": `{"b":7.50,"c":"x"}`,
	} {
		entries, failure := side.get(t, "credentials", guid, "format=json")
		require.Empty(t, failure)
		require.Equal(t, map[string]string{"_value": want}, entries, guid)
	}
	entries, failure := side.get(t, "credentials", "values")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{
		"user": "reader", "port": "5432.00", "literal": "db", "big": "12345678901234567",
		"extra": `{"list":[1.50,"only"],"other":"of the second"}`,
	}, entries)
	entries, failure = side.get(t, "credentials", "values", "fields=extra.other")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"extra.other": "of the second"}, entries)
	for guid, want := range map[string]string{
		"missing": `code = NotFound desc = credential "missing": its field "extra.token" refers to a secret that does not exist`,
		"denied":  `code = PermissionDenied desc = credential "denied": its field "a" asks for a secret that metadata allowedSecrets does not allow`,
	} {
		_, failure := side.get(t, "credentials", guid)
		require.Contains(t, failure, want)
		require.NotContains(t, failure, "forbidden")
		require.NotContains(t, failure, "none")
	}
}

// TestMigrate makes a config's references explicit while the component serves it.
func TestMigrate(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.secret(t, "db", map[string]string{"pw": "s3cr3t"})
	data := t.TempDir()
	component := credentials("credentials", map[string]any{
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": s.path("secrets.json"), "secretStore.multiValued": "true",
	})
	put(t, data, "bare", `{"credentialSource":"agent","secret-path":"db","password":"pw","port":5432.00,"tip":"${pw}"}`)
	side := startSidecar(t, harness.ComponentOptions{Env: []string{"XDG_DATA_HOME=" + data}}, component)
	before, failure := side.get(t, "credentials", "bare", "format=json")
	require.Empty(t, failure)

	file := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(file, []byte(component.yaml()), 0o600))
	cmd := exec.Command(resolverBinary(t), "migrate", "-c", file, "bare")
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+data)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `field "password": a reference`)
	require.NotContains(t, string(out), "s3cr3t")

	// A secret with the name of a literal no longer matters: the config states its references.
	s.secret(t, "db", map[string]string{"pw": "s3cr3t", "5432.00": "x", "${pw}": "x"})
	after, failure := side.get(t, "credentials", "bare", "format=json")
	require.Empty(t, failure)
	require.Equal(t, before, after)
}
