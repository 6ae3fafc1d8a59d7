package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
)

// yamlBlock matches a block of YAML in our documents.
var yamlBlock = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$")

// shipped returns the settings of every Component that we ship, in a file or as an example in a
// document.
func shipped(t *testing.T) map[string]component.Settings {
	t.Helper()
	paths := []string{"kubernetes/credentials.yaml"}
	for _, pattern := range []string{"../components/*.yaml", "../components/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	examples, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	for _, path := range append(examples, "../README.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			file := filepath.Join(t.TempDir(), filepath.Base(path)+".yaml")
			require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
			paths = append(paths, file)
		}
	}
	components := map[string]component.Settings{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if !strings.Contains(string(text), "type: "+componentfile.Type+"\n") {
			continue
		}
		setReferences(t, string(text))
		properties, err := componentfile.Load(path)
		require.NoError(t, err, path)
		components[path], err = component.ParseMetadata(properties)
		require.NoError(t, err, path)
	}
	require.Greater(t, len(components), 12, "want the Components of the files, the README and the documents")
	return components
}

// setReferences sets an environment variable for each secretKeyRef of a Component.
func setReferences(t *testing.T, text string) {
	t.Helper()
	reference := regexp.MustCompile(`secretKeyRef:\n\s+name: ([a-z-]+)\n\s+key: ([a-zA-Z-]+)`)
	for _, match := range reference.FindAllStringSubmatch(text, -1) {
		name := strings.ToUpper(match[1] + "_" + match[2])
		t.Setenv(strings.ReplaceAll(name, "-", "_"), "from the environment")
	}
}

// TestNoShippedComponentWarns requires allowedSecrets in every Component with a secret store.
// Otherwise its log would start with a warning.
func TestNoShippedComponentWarns(t *testing.T) {
	for path, settings := range shipped(t) {
		require.Empty(t, settings.Unrestricted(), path)
		if settings.SecretStore.Type != "" {
			require.NotNil(t, settings.AllowedSecrets, path)
		}
	}
}

// TestSamplesMayAskForTheirSecrets requires that the Components for the samples allow exactly
// the samples' secrets.
func TestSamplesMayAskForTheirSecrets(t *testing.T) {
	for path, settings := range shipped(t) {
		if settings.SecretStore.Fields["secretsFile"] != "components/samples/secrets.json" || strings.Contains(path, "migration") {
			continue
		}
		for _, name := range []string{"analytics-db", "crm-api-key", "crm-refresh-token", "warehouse"} {
			require.True(t, settings.AllowedSecrets.Match(name), "%s: %s", path, name)
		}
		require.False(t, settings.AllowedSecrets.Match("another"), path)
	}
}

// TestPoliciesAllowWhatTheirComponentMayAskFor compares Vault's and AWS's policies, Azure's role assignments and
// Kubernetes' Role with the allowedSecrets of the Component that each is for.
func TestPoliciesAllowWhatTheirComponentMayAskFor(t *testing.T) {
	allowed := func(store string) []string {
		properties, err := componentfile.Load("../components/stores/" + store + ".yaml")
		require.NoError(t, err)
		return strings.Split(properties["allowedSecrets"], ",")
	}
	policy, err := os.ReadFile("vault/policy.hcl")
	require.NoError(t, err)
	var paths []string
	for _, match := range regexp.MustCompile(`(?m)^path "secret/data/dapr/(.*)"`).FindAllStringSubmatch(string(policy), -1) {
		if match[1] != "credential-resolver-probe" {
			paths = append(paths, match[1])
		}
	}
	require.ElementsMatch(t, allowed("secretstores.hashicorp.vault"), paths)

	for store, file := range map[string]string{"secretmanager": "secretsmanager", "parameterstore": "parameterstore"} {
		policy, err := os.ReadFile("aws/" + file + "-policy.json")
		require.NoError(t, err)
		var names []string
		for _, match := range regexp.MustCompile(`:(?:secret:(.*)-\?{6}|parameter/credentials/(.*))"`).FindAllStringSubmatch(string(policy), -1) {
			names = append(names, match[1]+match[2])
		}
		require.ElementsMatch(t, allowed("secretstores.aws."+store), names)
	}

	roles, err := os.ReadFile("azure/keyvault-roles.sh")
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(roles), "for secret in")
	list, _, _ = strings.Cut(list, "\ndo\n")
	require.ElementsMatch(t, allowed("secretstores.azure.keyvault"), strings.Fields(strings.ReplaceAll(list, "\\", "")))
	grants, err := os.ReadFile("gcp/secretmanager.sh")
	require.NoError(t, err)
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^gcloud secrets add-iam-policy-binding (\S+) `).FindAllStringSubmatch(string(grants), -1) {
		names = append(names, match[1])
	}
	require.ElementsMatch(t, allowed("secretstores.gcp.secretmanager"), names)

	text, err := os.ReadFile("kubernetes/role.yaml")
	require.NoError(t, err)
	var role struct {
		Rules []struct {
			Resources     []string
			ResourceNames []string `yaml:"resourceNames"`
		}
	}
	require.NoError(t, yaml.NewDecoder(strings.NewReader(string(text))).Decode(&role))
	require.Equal(t, []string{"secrets"}, role.Rules[0].Resources)
	require.ElementsMatch(t, allowed("secretstores.kubernetes"), role.Rules[0].ResourceNames)
}

// TestPoliciesNameTheConfigsOfTheirComponent compares the policies for configs with the Component that
// each is for.
func TestPoliciesNameTheConfigsOfTheirComponent(t *testing.T) {
	bucket, err := componentfile.Load("../components/stores/bindings.gcp.bucket.yaml")
	require.NoError(t, err)
	grant, err := os.ReadFile("gcp/bucket.sh")
	require.NoError(t, err)
	require.Contains(t, string(grant), " gs://"+bucket["configStore.bucket"]+" --project="+bucket["configStore.project_id"]+" ")
	for store, arns := range map[string]func(properties map[string]string) []string{
		"bindings.aws.s3": func(properties map[string]string) []string {
			bucket := "arn:aws:s3:::" + properties["configStore.bucket"]
			prefix, _, _ := strings.Cut(properties["configKey"], "{guid}")
			return []string{bucket + "/" + prefix + "*", bucket}
		},
		"state.aws.dynamodb": func(properties map[string]string) []string {
			table := "arn:aws:dynamodb:" + properties["configStore.region"] + ":123456789012:table/" + properties["configStore.table"]
			return []string{table, table}
		},
	} {
		properties, err := componentfile.Load("../components/stores/" + store + ".yaml")
		require.NoError(t, err)
		policy, err := os.ReadFile("aws/" + store[strings.LastIndex(store, ".")+1:] + "-policy.json")
		require.NoError(t, err)
		var resources []string
		for _, match := range regexp.MustCompile(`"Resource": "(arn:aws:(?:s3|dynamodb):.*)"`).FindAllStringSubmatch(string(policy), -1) {
			resources = append(resources, match[1])
		}
		require.Equal(t, arns(properties), resources)
	}
}
