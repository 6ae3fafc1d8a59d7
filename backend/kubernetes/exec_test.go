package kubernetes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
	"credential-resolver/test/program"
)

// touching returns a kubeconfig user that logs in with a program. The program creates a file
// when it runs.
func touching(t *testing.T, apiVersion, file string) map[string]any {
	t.Helper()
	plugin := filepath.Join(t.TempDir(), "plugin")
	program.Write(t, plugin, []byte(`#!/bin/sh
: > '`+file+`'
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"canary"}}'
`), 0o700)
	return map[string]any{"exec": map[string]any{
		"apiVersion": "client.authentication.k8s.io/" + apiVersion, "command": plugin, "interactiveMode": "Never",
	}}
}

// A Component's metadata can name a kubeconfig, and so could run any program.
func TestExecPluginIsNotRunUnlessAllowed(t *testing.T) {
	for name, test := range map[string]struct {
		apiVersion string
		allowed    bool
		by         string
		refusal    string
	}{
		"v1":                           {"v1", false, "kubeconfigPath", "--allow-exec-plugins"},
		"v1beta1":                      {"v1beta1", false, "kubeconfigPath", "--allow-exec-plugins"},
		"from the environment":         {"v1", false, "KUBECONFIG", "--allow-exec-plugins"},
		"an obsolete version":          {"v1alpha1", false, "kubeconfigPath", "logs in with an auth-provider"},
		"an obsolete version, allowed": {"v1alpha1", true, "kubeconfigPath", "logs in with an auth-provider"},
		"v1, allowed":                  {"v1", true, "kubeconfigPath", ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
			ran := filepath.Join(t.TempDir(), "ran")
			fields := k.kubeconfig(t, touching(t, test.apiVersion, ran), nil)
			if test.by == "KUBECONFIG" {
				t.Setenv("KUBERNETES_SERVICE_HOST", "")
				t.Setenv("KUBECONFIG", fields["kubeconfigPath"])
				fields = nil
			}
			opened, err := openSecrets(t, fields, test.allowed, store.Options{Logger: storetest.DevNull(t), Limits: store.DefaultLimits()})
			if test.refusal != "" {
				require.ErrorContains(t, err, test.refusal)
				require.NotContains(t, err.Error(), "canary")
				require.NoFileExists(t, ran)
				return
			}
			require.NoError(t, err)
			defer func() { require.NoError(t, opened.Close()) }()
			_, err = secretOf(t.Context(), opened, "a")
			require.NoError(t, err)
			require.FileExists(t, ran)
		})
	}
}

// A kubeconfig may appear after Init. Its program must not run then either, and the log must
// say why the store is not connected.
func TestExecPluginThatComesLaterIsNotRun(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	ran := filepath.Join(t.TempDir(), "ran")
	ready := k.kubeconfig(t, touching(t, "v1", ran), nil)["kubeconfigPath"]
	late := filepath.Join(t.TempDir(), "late")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	var log logtext.Text
	opened, err := openSecrets(t, map[string]string{"kubeconfigPath": late}, false,
		store.Options{Logger: log.Logger(t.Name()), Limits: store.DefaultLimits()})
	require.NoError(t, err)
	defer func() { require.NoError(t, opened.Close()) }()
	require.NoError(t, os.Rename(ready, late))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
		defer cancel()
		_, err := secretOf(ctx, opened, "a") // the call makes it connect again
		return credential.KindOf(err) == credential.Unavailable && strings.Contains(log.String(), "--allow-exec-plugins")
	}, storetest.Long, storetest.Tick)
	require.NoFileExists(t, ran)
}
