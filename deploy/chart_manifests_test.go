//go:build chart

package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	strict "sigs.k8s.io/yaml"
)

// everything returns the flags that turn on all that the chart can install, and args.
func everything(args ...string) []string {
	return slices.Concat(valuesOf("bindings.localstorage"), []string{
		"--set", "example.enabled=true,metrics.enabled=true,podMonitor.enabled=true,prometheusRule.enabled=true,grafanaDashboard.enabled=true,resiliency.enabled=true",
		"--set", "networkPolicy.enabled=true,configuration.allowedCredentials={analytics-db}",
		"--set-json", `networkPolicy.ingress=[]`,
		"--set-json", `networkPolicy.egress=[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"}}],"ports":[{"port":5432}]}]`,
		"--set-json", `container.env=[{"name":"NAMESPACE","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}}]`,
		"--set", "secretStores.cluster.type=secretstores.kubernetes,secretStores.cluster.allowedSecrets={crm-api-key}",
	}, args)
}

// TestEveryFieldIsKnown decodes each manifest strictly: Kubernetes' own kinds into its types, and
// Dapr's by the definitions of the Dapr version that we test with.
func TestEveryFieldIsKnown(t *testing.T) {
	manifests := rendered(t, everything()...)
	for name, into := range map[string]any{
		"ConfigMap/credential-configs":            &corev1.ConfigMap{},
		"ConfigMap/credential-resolver-dashboard": &corev1.ConfigMap{},
		"Secret/credential-secrets":               &corev1.Secret{},
		"Deployment/app":                          &appsv1.Deployment{},
		"NetworkPolicy/credential-resolver":       &networkingv1.NetworkPolicy{},
		"Role/credential-resolver-cluster":        &rbacv1.Role{},
		"RoleBinding/credential-resolver-cluster": &rbacv1.RoleBinding{},
	} {
		require.Contains(t, manifests, name)
		assert.NoError(t, strict.UnmarshalStrict([]byte(manifests[name]), into), name)
		delete(manifests, name)
	}
	for name, definition := range map[string]string{
		"Component/credentials": "components", "Configuration/credentials": "configuration", "Resiliency/credentials": "resiliency",
	} {
		require.Contains(t, manifests, name)
		var manifest any
		require.NoError(t, yaml.Unmarshal([]byte(manifests[name]), &manifest))
		assert.Empty(t, daprDefinition(t, definition).faults(name, manifest))
		delete(manifests, name)
	}
	delete(manifests, "PodMonitor/credential-resolver")     // TestMetricsAreScraped
	delete(manifests, "PrometheusRule/credential-resolver") // TestAlertsAndDashboardAreTheShippedOnes
	require.Empty(t, manifests, "manifests that no test decodes")
}

// schemaNode is the part of a definition that faults checks.
type schemaNode struct {
	Type       string
	Properties map[string]schemaNode
	Additional *schemaNode `yaml:"additionalProperties"`
	Items      *schemaNode
	Required   []string
	Any        bool `yaml:"x-kubernetes-preserve-unknown-fields"`
}

// daprDefinition returns the schema of one of Dapr's kinds, without apiVersion, kind and metadata.
func daprDefinition(t *testing.T, name string) schemaNode {
	t.Helper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/dapr/dapr").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "charts/dapr/crds", name+".yaml"))
	require.NoError(t, err)
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					Schema schemaNode `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &definition))
	for _, version := range definition.Spec.Versions {
		if version.Name == "v1alpha1" {
			schema := version.Schema.Schema
			schema.Properties["metadata"] = schemaNode{Any: true}
			return schema
		}
	}
	t.Fatalf("no version v1alpha1 of %s", name)
	return schemaNode{}
}

// faults returns what is wrong with a value: a field that is unknown or missing, or a wrong type.
func (n schemaNode) faults(path string, value any) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for _, name := range n.Required {
			if _, present := value[name]; !present {
				found = append(found, path+"."+name+" is missing")
			}
		}
		for name, field := range value {
			known, ok := n.Properties[name]
			if !ok && n.Additional != nil {
				known, ok = *n.Additional, true
			}
			if ok {
				found = append(found, known.faults(path+"."+name, field)...)
			} else if !n.Any {
				found = append(found, path+"."+name+" is unknown")
			}
		}
	case []any:
		if n.Items == nil {
			return []string{path + " is a list"}
		}
		for i, item := range value {
			found = append(found, n.Items.faults(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case string, int, bool:
		types := map[string]string{"string": "string", "int": "integer", "bool": "boolean"}
		if kind := types[fmt.Sprintf("%T", value)]; n.Type != "" && n.Type != kind {
			found = append(found, fmt.Sprintf("%s is a %s, not a %s", path, kind, n.Type))
		}
	}
	return found
}

// TestFaultsAreFound breaks a Component in each way that faults must notice.
func TestFaultsAreFound(t *testing.T) {
	var manifest any
	require.NoError(t, yaml.Unmarshal([]byte("spec:\n  type: 1\n  versoin: v1\n  metadata: [{value: x}]\n"), &manifest))
	faults := daprDefinition(t, "components").faults("", manifest)
	slices.Sort(faults)
	require.Equal(t, []string{".spec.metadata[0].name is missing", ".spec.type is a integer, not a string", ".spec.version is missing", ".spec.versoin is unknown"}, faults)
}

// injected returns the container in a Component's annotation, decoded strictly.
func injected(t *testing.T, component string) corev1.Container {
	t.Helper()
	var manifest struct {
		Metadata struct{ Annotations map[string]string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(component), &manifest))
	var container corev1.Container
	decoder := json.NewDecoder(strings.NewReader(manifest.Metadata.Annotations["dapr.io/component-container"]))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&container))
	return container
}

// TestContainerTakesItsValues sets each value of the container.
func TestContainerTakesItsValues(t *testing.T) {
	container := injected(t, rendered(t, everything("--set", "image.repository=mirror.example/resolver,image.digest=sha256:"+strings.Repeat("0", 64),
		"--set", "container.shutdownDelay=5s,container.logLevel=debug,container.logAsJSON=true,container.extraArgs={--allow-exec-plugins}",
		"--set", "container.resources.limits.memory=1Gi")...)["Component/credentials"])
	require.Equal(t, "mirror.example/resolver@sha256:"+strings.Repeat("0", 64), container.Image)
	require.Equal(t, []string{
		"serve", "--shared-socket-folder", "--single-daprd", "--shutdown-delay=5s", "--log-level=debug", "--log-as-json",
		"--metrics-listen=:9464", "--allow-exec-plugins",
	}, container.Args)
	require.Equal(t, "64Mi", container.Resources.Requests.Memory().String())
	require.Equal(t, "1Gi", container.Resources.Limits.Memory().String())
	require.Equal(t, "metadata.namespace", container.Env[0].ValueFrom.FieldRef.FieldPath)
}

// TestMetricsAreScraped compares the port of the container with the PodMonitor and the NetworkPolicy,
// which must select the application's pods.
func TestMetricsAreScraped(t *testing.T) {
	manifests := rendered(t, everything()...)
	container := injected(t, manifests["Component/credentials"])
	require.Len(t, container.Ports, 1)
	var monitor struct {
		Spec struct {
			Selector  yaml.Node
			Endpoints []struct{ Port, Path, Interval string } `yaml:"podMetricsEndpoints"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(manifests["PodMonitor/credential-resolver"]), &monitor))
	require.Equal(t, container.Ports[0].Name, monitor.Spec.Endpoints[0].Port)
	require.LessOrEqual(t, len(container.Ports[0].Name), 15, "Kubernetes' limit for a port's name")

	var policy networkingv1.NetworkPolicy
	require.NoError(t, strict.Unmarshal([]byte(manifests["NetworkPolicy/credential-resolver"]), &policy))
	require.Equal(t, container.Ports[0].ContainerPort, policy.Spec.Ingress[0].Ports[0].Port.IntVal)
	require.Equal(t, "monitoring", policy.Spec.Ingress[0].From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
	require.Equal(t, []string{"app"}, policy.Spec.PodSelector.MatchExpressions[0].Values)

	without := rendered(t, valuesOf("bindings.localstorage")...)
	require.Empty(t, injected(t, without["Component/credentials"]).Ports)
	require.NotContains(t, strings.Join(injected(t, without["Component/credentials"]).Args, " "), "metrics")
}

// TestAlertsAndDashboardAreTheShippedOnes compares both with the files in deploy.
func TestAlertsAndDashboardAreTheShippedOnes(t *testing.T) {
	manifests := rendered(t, everything()...)
	rules, err := os.ReadFile("prometheus/rules.yaml")
	require.NoError(t, err)
	var want any
	var got struct{ Spec any }
	require.NoError(t, yaml.Unmarshal(rules, &want))
	require.NoError(t, yaml.Unmarshal([]byte(manifests["PrometheusRule/credential-resolver"]), &got))
	require.Equal(t, want, got.Spec)

	dashboard, err := os.ReadFile("grafana/credential-resolver.json")
	require.NoError(t, err)
	var into corev1.ConfigMap
	require.NoError(t, strict.UnmarshalStrict([]byte(manifests["ConfigMap/credential-resolver-dashboard"]), &into))
	require.JSONEq(t, string(dashboard), into.Data["credential-resolver.json"])
	require.Equal(t, "1", into.Labels["grafana_dashboard"])

	for name := range rendered(t, valuesOf("bindings.localstorage")...) {
		require.NotRegexp(t, "PrometheusRule|dashboard", name)
	}
}

// TestIngressIsOpenUnlessRestricted renders the NetworkPolicy without networkPolicy.ingress.
func TestIngressIsOpenUnlessRestricted(t *testing.T) {
	var policy networkingv1.NetworkPolicy
	text := rendered(t, append(valuesOf("bindings.localstorage"), "--set", "networkPolicy.enabled=true")...)["NetworkPolicy/credential-resolver"]
	require.NoError(t, strict.Unmarshal([]byte(text), &policy))
	require.Equal(t, []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}, policy.Spec.PolicyTypes)
	require.Len(t, policy.Spec.Egress, 2, "the DNS server and Dapr")
}

// TestResiliencyIsTheShippedPolicy compares the policy with deploy/resiliency.yaml.
func TestResiliencyIsTheShippedPolicy(t *testing.T) {
	shipped, err := os.ReadFile("resiliency.yaml")
	require.NoError(t, err)
	var want, got struct{ Spec map[string]any }
	require.NoError(t, yaml.Unmarshal(shipped, &want))
	require.NoError(t, yaml.Unmarshal([]byte(rendered(t, everything()...)["Resiliency/credentials"]), &got))
	require.NotEmpty(t, want.Spec)
	require.Equal(t, want, got)
}

// TestRolesHaveTheSecretsOfTheirStore renders a Role for each of two stores.
func TestRolesHaveTheSecretsOfTheirStore(t *testing.T) {
	secrets := func(name string, args ...string) []string {
		var role rbacv1.Role
		args = append(append(valuesOf("secretstores.kubernetes"), "--set", "secretStores.other.type=secretstores.kubernetes"), args...)
		require.NoError(t, strict.UnmarshalStrict([]byte(rendered(t, args...)["Role/"+name]), &role))
		require.Equal(t, []string{"get"}, role.Rules[0].Verbs)
		return role.Rules[0].ResourceNames
	}
	all := []string{"analytics-db", "crm-api-key", "crm-refresh-token"}
	require.Equal(t, all, secrets("credential-resolver"))
	require.Equal(t, all, secrets("credential-resolver-other"), "the store has no list of its own")
	require.Equal(t, []string{"x"}, secrets("credential-resolver-other", "--set", "secretStores.other.allowedSecrets={x}"))
	require.Equal(t, []string{"y"}, secrets("credential-resolver", "--set", "rbac.secretNames={y},allowedSecrets={y*}"))
	require.Empty(t, secrets("credential-resolver", "--set", "rbac.allSecrets=true"))
}
