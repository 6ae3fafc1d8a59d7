package backend

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKubernetesGrammarOfNames(t *testing.T) {
	for _, name := range []string{"a", "warehouse-db", "a.b", "0", "a.b-c.d", strings.Repeat("a", 253)} {
		require.True(t, validKubernetesName(name), "%q", name)
	}
	for _, name := range []string{
		"", "A", "a_b", "a/b", "a%2fb", "-a", "a-", ".a", "a..b", "a b", "a:b", "naïve", "a\n", strings.Repeat("a", 254),
	} {
		require.False(t, validKubernetesName(name), "%q", name)
	}
}

func TestKubernetesNamespaceIsThatOfTheEnvironmentFirst(t *testing.T) {
	tests := map[string]struct{ variable, given, want, failure string }{
		"neither":            {},
		"the metadata's":     {given: " team ", want: "team"},
		"both":               {variable: "other", given: "team", want: "other"},
		"a wrong one":        {given: "Canary", failure: "is not the name of a namespace"},
		"a path":             {given: "../kube-system", failure: "is not the name of a namespace"},
		"a wrong variable's": {variable: "canary/x", given: "team", failure: "is not the name of a namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NAMESPACE", test.variable)
			fields := map[string]string{"DefaultNamespace": test.given}
			err := prepareKubernetes(fields)
			if test.failure != "" {
				require.ErrorContains(t, err, test.failure)
				require.NotContains(t, strings.ToLower(err.Error()), "canary")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, field(fields, "defaultNamespace"))
		})
	}
}

// canaryConfig is a kubeconfig as far as its current context.
const canaryConfig = `{"kind":"Config","apiVersion":"v1","current-context":"c",
	"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"%s}}],
	"users":[{"name":"u","user":{"token":"canary"}}],
	"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}]}`

func TestKubeconfigIsTold(t *testing.T) {
	tests := map[string]struct {
		text  string // "" for no file
		want  string
		final bool
	}{
		"not there yet":             {"", "no such file", false},
		"no YAML":                   {"canary: [", "is not one", true},
		"another type":              {`{"kind":"Config","users":"canary"}`, "is not one", true},
		"without a context":         {`{"kind":"Config","users":[{"name":"u","user":{"token":"canary"}}]}`, "is not one", true},
		"a context that is not":     {`{"kind":"Config","current-context":"canary"}`, "is not one", true},
		"without a namespace":       {strings.Replace(canaryConfig, "%s", "", 1), "set defaultNamespace", true},
		"a certificate not there":   {strings.Replace(canaryConfig, "%s", `,"certificate-authority":"canary"`, 1), "file does not exist", false},
		"a certificate that is not": {strings.Replace(canaryConfig, "%s", `,"certificate-authority-data":"Y2FuYXJ5"`, 1), "set defaultNamespace", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if test.text != "" {
				require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			}
			_, err := connectKubernetes(t.Context(), map[string]string{"kubeconfigPath": path}, devNull(t))
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
			var final *permanentError
			require.Equal(t, test.final, errors.As(err, &final))
		})
	}
}

func TestKubernetesIsFoundAsContribFindsIt(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", "")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, _, err := kubernetesConfig(map[string]string{})
	require.ErrorIs(t, err, errNoCluster)

	write := func(host string) string {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		text := strings.Replace(strings.Replace(canaryConfig, "127.0.0.1:1", host, 1), "%s", "", 1)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	t.Setenv("KUBECONFIG", write("by.environment"))
	config, namespace, err := kubernetesConfig(map[string]string{"defaultNamespace": "team"})
	require.NoError(t, err)
	require.Equal(t, "https://by.environment", config.Host)
	require.Equal(t, "team", namespace)

	// A pod: its service account goes before the environment's file, and a file that
	// is named goes before all.
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	_, _, err = kubernetesConfig(map[string]string{"defaultNamespace": "team"})
	require.ErrorIs(t, err, fs.ErrNotExist, "here is no token of a service account")
	config, _, err = kubernetesConfig(map[string]string{"defaultNamespace": "team", "kubeconfigPath": write("by.name")})
	require.NoError(t, err)
	require.Equal(t, "https://by.name", config.Host)
}
