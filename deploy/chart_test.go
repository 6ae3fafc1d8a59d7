//go:build chart

package deploy

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the manifests in deploy/kubernetes")

// render renders the chart for the application app, and returns the output or helm's message.
func render(args ...string) (text, message string) {
	args = append([]string{"template", "credential-resolver", "chart", "--namespace", "default", "--set", "scopes={app}"}, args...)
	command := exec.Command("../bin/helm", args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", err.Error() + "\n" + stderr.String()
	}
	return stdout.String(), ""
}

// valuesOf returns the flags for the values of stores.
func valuesOf(stores ...string) []string {
	var args []string
	for _, store := range stores {
		args = append(args, "--values", "chart/values/"+store+".yaml")
	}
	return args
}

// rendered returns the manifests by their kind and name.
func rendered(t *testing.T, args ...string) map[string]string {
	t.Helper()
	text, message := render(args...)
	require.Empty(t, message)
	manifests := map[string]string{}
	for _, document := range strings.Split("\n"+text, "\n---\n") {
		var manifest struct {
			Kind     string
			Metadata struct{ Name string }
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &manifest))
		if manifest.Kind != "" {
			manifests[manifest.Kind+"/"+manifest.Metadata.Name] = document
		}
	}
	require.NotEmpty(t, manifests)
	return manifests
}

// TestKubernetesManifestsAreRendered compares the manifests in deploy/kubernetes with the chart,
// or with -update writes them.
func TestKubernetesManifestsAreRendered(t *testing.T) {
	example := append(valuesOf("bindings.localstorage"),
		"--set", "example.enabled=true,networkPolicy.enabled=true,configuration.allowedCredentials={analytics-db}")
	sidecar := append(slices.Clone(example), "--set", "example.nativeSidecar=true")
	role := valuesOf("secretstores.kubernetes")
	files := map[string]struct {
		template string
		args     []string
	}{
		"app.yaml":                {"example", example},
		"app-native-sidecar.yaml": {"example", sidecar},
		"configuration.yaml":      {"configuration", example},
		"credentials.yaml":        {"component", example},
		"networkpolicy.yaml":      {"networkpolicy", example},
		"role.yaml":               {"role", role},
	}
	present, err := filepath.Glob("kubernetes/*")
	require.NoError(t, err)
	if !*update {
		require.Len(t, present, len(files), "want a template for each file: %s", present)
	}
	source := regexp.MustCompile(`(?m)\n*^---\n# Source: .*\n`)
	for name, file := range files {
		text, message := render(append(file.args, "--show-only", "templates/"+file.template+".yaml")...)
		require.Empty(t, message, name)
		text = "# Rendered from deploy/chart: \"make chart UPDATE=1\" writes it.\n#\n" +
			strings.TrimPrefix(source.ReplaceAllString(text, "\n---\n"), "\n---\n")
		text = strings.TrimRight(text, "\n") + "\n"
		path := filepath.Join("kubernetes", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			continue
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(got), "%s: make chart UPDATE=1 writes it", path)
	}
}

// TestBadValuesAreRefused requires a message that names the value.
func TestBadValuesAreRefused(t *testing.T) {
	set := func(flag, value string) []string { return append(valuesOf("bindings.localstorage"), flag, value) }
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no secret store":         {nil, "at '/secretStore': missing property 'type'"},
		"no allowedSecrets":       {[]string{"--set", "secretStore.type=secretstores.kubernetes"}, "missing property 'allowedSecrets'"},
		"empty allowedSecrets":    {set("--set-json", "allowedSecrets=[]"), "at '/allowedSecrets': minItems: got 0, want 1"},
		"a text as a list":        {set("--set", "allowedSecrets=a"), "at '/allowedSecrets': got string, want array"},
		"two patterns in one":     {set("--set-json", `allowedSecrets=["a,b"]`), "at '/allowedSecrets/0': 'a,b' does not match pattern"},
		"no scopes":               {set("--set", "scopes=null"), "at '/scopes': got null, want array"},
		"unknown value":           {set("--set", "allowedSecret={a}"), "additional properties 'allowedSecret' not allowed"},
		"unknown setting":         {set("--set", "settings.cacheTtl=60s"), "at '/settings': additional properties 'cacheTtl' not allowed"},
		"a number as a duration":  {set("--set", "settings.cacheTTL=60"), "at '/settings/cacheTTL': got number, want string"},
		"no unit":                 {set("--set-string", "settings.cacheTTL=60"), "at '/settings/cacheTTL': '60' does not match pattern"},
		"over a bound":            {set("--set", "settings.storeRetries=11"), "at '/settings/storeRetries': maximum: got 11, want 10"},
		"unknown store":           {set("--set", "configStore.type=state.rediss"), "at '/configStore/type': value must be one of"},
		"a number as metadata":    {set("--set-json", `secretStore.metadata=[{"name":"x","value":1}]`), "at '/secretStore/metadata/0/value': got number, want string"},
		"metadata without value":  {set("--set-json", `secretStore.metadata=[{"name":"x"}]`), "at '/secretStore/metadata/0': missing property 'secretKeyRef'"},
		"key without GUID":        {set("--set", "configStore.key=x"), "at '/configStore/key': 'x' does not match pattern"},
		"privileged port":         {set("--set", "metrics.port=80"), "at '/metrics/port': minimum: got 80, want 1,024"},
		"endless retries":         {set("--set", "resiliency.maxRetries=0"), "at '/resiliency/maxRetries': minimum: got 0, want 1"},
		"alerts without metrics":  {set("--set", "prometheusRule.enabled=true"), "prometheusRule.enabled needs metrics.enabled"},
		"an audit log elsewhere":  {set("--set", "container.audit.log=stderr"), "at '/container/audit/log': 'stderr' does not match pattern"},
		"an audit log nowhere":    {set("--set", "container.audit.log=/audit/audit.log"), "mount its folder with container.audit.volumeMounts"},
		"no audit log required":   {set("--set", "container.audit.required=true"), "container.audit.required needs container.audit.log"},
		"monitor without metrics": {set("--set", "podMonitor.enabled=true"), "podMonitor.enabled needs metrics.enabled"},
		"the store itself denied": {set("--set", "configuration.deniedStores={credentials}"), "configuration.deniedStores must not have the Component itself"},
		"pattern in a Role": {
			append(valuesOf("secretstores.kubernetes"), "--set", "allowedSecrets={crm-*}"), `a Role cannot have the pattern "crm-*"`,
		},
		"example without its store": {append(valuesOf("state.redis"), "--set", "example.enabled=true"), "example.enabled needs values/bindings.localstorage.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, message := render(test.args...)
			require.Contains(t, message, test.want)
		})
	}
}
