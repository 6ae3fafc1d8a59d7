package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

func TestGrammarOfNames(t *testing.T) {
	for _, name := range []string{"a", "warehouse-db", "a.b", "0", "a.b-c.d", strings.Repeat("a", 253)} {
		require.True(t, Type(false).ValidName(nil, name), "%q", name)
	}
	for _, name := range []string{
		"", "A", "a_b", "a/b", "a%2fb", "-a", "a-", ".a", "a..b", "a b", "a:b", "naïve", "a\n", strings.Repeat("a", 254),
	} {
		require.False(t, Type(false).ValidName(nil, name), "%q", name)
	}
}

func TestNamespaceOfTheEnvironmentWins(t *testing.T) {
	tests := map[string]struct{ variable, given, want, failure string }{
		"neither":           {},
		"the metadata's":    {given: " team ", want: "team"},
		"both":              {variable: "other", given: "team", want: "other"},
		"a wrong namespace": {given: "Canary", failure: "is not a valid name of a namespace"},
		"a path":            {given: "../kube-system", failure: "is not a valid name of a namespace"},
		"a wrong variable":  {variable: "canary/x", given: "team", failure: "is not a valid name of a namespace"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NAMESPACE", test.variable)
			fields := map[string]string{"DefaultNamespace": test.given}
			err := prepare(fields)
			if test.failure != "" {
				require.ErrorContains(t, err, test.failure)
				require.NotContains(t, strings.ToLower(err.Error()), "canary")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, store.Field(fields, "defaultNamespace"))
		})
	}
}

// canaryConfig is the format of a kubeconfig: the server, more fields of its cluster, and the
// fields of its user.
const canaryConfig = `{"kind":"Config","apiVersion":"v1","current-context":"c",
	"clusters":[{"name":"c","cluster":{"server":"https://%s"%s}}],
	"users":[{"name":"u","user":{%s}}],
	"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}]}`

func TestKubeconfigMistakesAreReported(t *testing.T) {
	with := func(cluster, user string) string {
		return fmt.Sprintf(canaryConfig, "127.0.0.1:1", cluster, cmp.Or(user, `"token":"canary"`))
	}
	tests := map[string]struct {
		text  string
		want  string
		final bool
	}{
		"not YAML":                  {"canary: [", "the kubeconfig is not valid", true},
		"another type":              {`{"kind":"Config","users":"canary"}`, "the kubeconfig is not valid", true},
		"empty":                     {"", "the kubeconfig is not valid", true},
		"without a context":         {`{"kind":"Config","users":[{"name":"u","user":{"token":"canary"}}]}`, "the kubeconfig is not valid", true},
		"an unknown context":        {`{"kind":"Config","current-context":"canary"}`, "the kubeconfig is not valid", true},
		"without a current context": {strings.Replace(with("", ""), `"current-context":"c"`, `"current-context":""`, 1), "the kubeconfig is not valid", true},
		"without a namespace":       {with("", ""), "set defaultNamespace", true},
		"a missing authority file":  {with(`,"certificate-authority":"canary"`, ""), "no such file or directory", false},
		"an invalid authority":      {with(`,"certificate-authority-data":"Y2FuYXJ5"`, ""), "set defaultNamespace", true},
		"a missing token file":      {with("", `"tokenFile":"canary"`), "no such file or directory", false},
		"an auth-provider":          {with("", `"auth-provider":{"name":"canary"}`), "logs in with an auth-provider", true},
		"an obsolete plugin version": {
			with("", `"exec":{"command":"canary","apiVersion":"client.authentication.k8s.io/v1alpha1","interactiveMode":"Never"}`),
			"logs in with an auth-provider", true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := connect(t.Context(), map[string]string{"kubeconfigPath": storetest.FileWith(t, test.text)}, storetest.DevNull(t), true)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
			var final *store.PermanentError
			require.Equal(t, test.final, errors.As(err, &final))
		})
	}
}

// An unreadable kubeconfig may become readable later, so it is retried. The warning gives the
// reason.
func TestKubeconfigThatCannotBeReadIsWaitedFor(t *testing.T) {
	for want, path := range map[syscall.Errno]string{
		syscall.ENOENT: filepath.Join(t.TempDir(), "canary"),
		syscall.EISDIR: t.TempDir(),
	} {
		for by, fields := range map[string]map[string]string{"kubeconfigPath": {"kubeconfigPath": path}, "KUBECONFIG": {}} {
			t.Run(by+": "+want.Error(), func(t *testing.T) {
				t.Setenv("KUBERNETES_SERVICE_HOST", "")
				t.Setenv("KUBECONFIG", path)
				_, _, err := restConfig(fields)
				require.ErrorIs(t, err, want)
				require.EqualError(t, err, "the kubeconfig cannot be read: "+want.Error())
				require.NotContains(t, err.Error(), path)
				var final *store.PermanentError
				require.False(t, errors.As(err, &final))
			})
		}
	}
}

func TestServerIsFound(t *testing.T) {
	write := func(host string) string { return storetest.FileWith(t, fmt.Sprintf(canaryConfig, host, "", "")) }
	missing := filepath.Join(t.TempDir(), "missing")
	notYet := unread("the service account's token", syscall.ENOENT)
	tests := map[string]struct {
		path, variable string
		pod            error // nil: a complete pod
		want           string
		failure        error
	}{
		"a pod":                              {want: "pod"},
		"the pod before the variable":        {variable: write("variable"), want: "pod"},
		"a name before the pod":              {path: write("named"), want: "named"},
		"a name before the variable":         {path: write("named"), variable: write("variable"), pod: rest.ErrNotInCluster, want: "named"},
		"a name of a missing file, in a pod": {path: missing, want: "pod"},
		"no such file, and no pod":           {path: missing, pod: rest.ErrNotInCluster, failure: errNoKubeconfig},
		"no pod":                             {variable: write("variable"), pod: rest.ErrNotInCluster, want: "variable"},
		"a pod without a token":              {variable: write("variable"), pod: notYet, want: "variable"},
		"a pod without a token, or a file":   {variable: missing, pod: notYet, failure: notYet},
		"a variable that names nothing":      {variable: missing, pod: rest.ErrNotInCluster, failure: errNoKubeconfig},
		"nothing":                            {pod: rest.ErrNotInCluster, failure: errNoCluster},
		"only a pod without a token":         {pod: notYet, failure: notYet},
	}
	usual := clientcmd.RecommendedHomeFile
	clientcmd.RecommendedHomeFile = missing // client-go sets it once, from $HOME
	t.Cleanup(func() { clientcmd.RecommendedHomeFile = usual })
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", test.variable)
			config, _, err := find(test.path, func() (*rest.Config, string, error) {
				return &rest.Config{Host: "https://pod"}, "team", test.pod
			})
			require.ErrorIs(t, err, test.failure)
			if test.failure == nil {
				require.Equal(t, "https://"+test.want, config.Host)
			}
		})
	}
}

func TestNamespaceOfTheMetadataGoesBeforeTheKubeconfigs(t *testing.T) {
	k := newScriptedServer(t, nil)
	fields := k.kubeconfig(t, anyUser(), nil)
	for given, want := range map[string]string{"": "team", "other": "other"} {
		fields["defaultNamespace"] = given
		_, namespace, err := restConfig(fields)
		require.NoError(t, err)
		require.Equal(t, want, namespace)
	}
}

// The environment variables show that this is a pod, but the service account's token does not
// exist yet.
func TestPodWaitsForItsToken(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	_, _, err := restConfig(map[string]string{"defaultNamespace": "team"})
	require.ErrorIs(t, err, syscall.ENOENT)
	require.ErrorContains(t, err, "the service account's token")
}

// client-go would copy an old kubeconfig to the new path with a mode that lets everybody read
// it.
func TestKubeconfigIsNotMoved(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".kube"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".kube", ".kubeconfig"), []byte("canary"), 0o600))
	usual := clientcmd.RecommendedHomeFile
	clientcmd.RecommendedHomeFile = filepath.Join(home, ".kube", "config")
	t.Cleanup(func() { clientcmd.RecommendedHomeFile = usual })
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", "")
	_, _, err := fileConfig("")
	require.ErrorIs(t, err, errNoCluster)
	require.NoFileExists(t, clientcmd.RecommendedHomeFile)
}
