package docs

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/component"
	"credential-resolver/internal/cli"
	"credential-resolver/internal/componentfile"
	"credential-resolver/test/doccheck"
)

// TestDocumentsAreReal checks each document's links, commands, files, YAML and JSON.
func TestDocumentsAreReal(t *testing.T) {
	repository := doccheck.Repository{
		Files: os.DirFS(".."), Help: helpOf, Daprd: helpOfDaprd(t), Metadata: accepted, ComponentType: componentfile.Type,
		Hosts: []string{
			"dapr.github.io", "developer.hashicorp.com", "docs.aws.amazon.com", "docs.dapr.io", "external-secrets.io", "github.com", "keepachangelog.com",
			"kubernetes.io", "openbao.org", "opentelemetry.io", "secrets-store-csi-driver.sigs.k8s.io", "semver.org",
		},
	}
	for path, text := range documents(t) {
		for _, problem := range repository.Check(path, text) {
			t.Errorf("%s, %s", path, problem)
		}
	}
}

// TestMetricsAreDocumented compares the metrics in the documents with those in the code.
func TestMetricsAreDocumented(t *testing.T) {
	name := regexp.MustCompile(`credential_resolver_\w+[a-z]`)
	known := name.FindAllString(textsOf(t, "../component/metrics*.go"), -1)
	require.Greater(t, len(known), 12)
	named := map[string]bool{}
	for path, text := range documents(t) {
		for _, metric := range name.FindAllString(text, -1) {
			named[metric] = true
			assert.Contains(t, known, metric, path)
		}
	}
	for _, metric := range known {
		assert.True(t, named[metric], "%s is in no document", metric)
	}
	part := regexp.MustCompile(`_(bucket|count|sum)$`) // of a histogram
	for _, metric := range name.FindAllString(textsOf(t, "../deploy/prometheus/*.yaml", "../deploy/grafana/*.json"), -1) {
		assert.Contains(t, known, part.ReplaceAllString(metric, ""), "an alert or the dashboard")
	}
}

// TestAlertsLeadToTheRunbook checks the link of each alert, and that docs/metrics.md has each.
func TestAlertsLeadToTheRunbook(t *testing.T) {
	operations, page := textsOf(t, "operations.md"), textsOf(t, "metrics.md")
	rules := textsOf(t, "../deploy/prometheus/rules.yaml")
	links := regexp.MustCompile(`runbook: docs/operations\.md#(\S+)`).FindAllStringSubmatch(rules, -1)
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1)
	require.Greater(t, len(alerts), 5)
	require.Len(t, links, len(alerts))
	for i, alert := range alerts {
		title := strings.ReplaceAll(links[i][1], "-", " ")
		assert.Contains(t, strings.ToLower(operations), "\n## "+title+"\n", alert[1])
		assert.Contains(t, page, "| `"+alert[1]+"` |")
		assert.Contains(t, page, "operations.md#"+links[i][1]+")")
	}
}

// TestChartHasTheRulesAndTheDashboard compares the chart's copies: Helm reads no file outside a chart.
func TestChartHasTheRulesAndTheDashboard(t *testing.T) {
	for copied, original := range map[string]string{
		"rules.yaml": "prometheus/rules.yaml", "dashboard.json": "grafana/credential-resolver.json",
	} {
		assert.Equal(t, textsOf(t, "../deploy/"+original), textsOf(t, "../deploy/chart/files/"+copied),
			"cp deploy/%s deploy/chart/files/%s", original, copied)
	}
}

// textsOf returns the text of all files that match the patterns.
func textsOf(t *testing.T, patterns ...string) string {
	t.Helper()
	all := ""
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			all += string(text)
		}
	}
	return all
}

// documents returns the text of each document of the repository, by its path there.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "bin" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			text, err := os.ReadFile(path)
			all[strings.TrimPrefix(path, "../")] = string(text)
			return err
		}
		return nil
	}))
	require.Greater(t, len(all), 15)
	return all
}

// helpOf returns the help of a command, if help lists it.
func helpOf(command string) (string, bool) {
	serve := ""
	if command == "" { // it serves
		serve, _ = helpOf("serve")
	}
	args := append(strings.Fields(command), "--help")
	var out bytes.Buffer
	status := cli.Run(context.Background(), "test", args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	return out.String() + serve, status == 0
}

// accepted returns an error if the component refuses the metadata. A document may show only the
// fields of one store: then some type of store must know them.
func accepted(properties map[string]string) error {
	_, err := component.ParseMetadata(properties)
	if err == nil || properties["secretStore"] != "" || properties["configStore"] != "" {
		return err
	}
	for _, types := range [][2][]string{
		{backend.SecretStoreTypes(), {"state.sqlite"}}, {{"secretstores.kubernetes"}, backend.ConfigStoreTypes()},
	} {
		for _, secrets := range types[0] {
			for _, configs := range types[1] {
				whole := maps.Clone(properties)
				whole["secretStore"], whole["configStore"] = secrets, configs
				if _, err = component.ParseMetadata(whole); err == nil {
					return nil
				}
			}
		}
	}
	_, err = component.ParseMetadata(properties)
	return err
}
