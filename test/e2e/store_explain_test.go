//go:build e2e && stores

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/audit"
	"credential-resolver/resolver/credential"
	"credential-resolver/test/harness"
)

// generatedCredentials is how many credentials the tests of explanations generate.
const generatedCredentials = 200

// generated are credentials of all modes, which share secrets.
type generated struct {
	secrets map[string]map[string]string
	configs map[string]string
}

func generate(seed uint64) generated {
	random := rand.New(rand.NewPCG(seed, 0))
	g := generated{secrets: map[string]map[string]string{}, configs: map[string]string{}}
	for i := range 40 {
		g.secrets[fmt.Sprint("value-", i)] = map[string]string{"value": vaultCanary}
		g.secrets[fmt.Sprint("bundle-", i)] = map[string]string{"user_key": vaultCanary, fmt.Sprint("pw_", i): vaultCanary}
		g.secrets[fmt.Sprint("object-", i)] = map[string]string{"key.json": `{"password":"` + vaultCanary + `","n":1}`}
	}
	one := func(kind string) string { return fmt.Sprint(kind, "-", random.IntN(40)) }
	anyValue := func() string {
		return []string{one("value"), one("value"), one("bundle"), one("object"), one("absent"), "two words", "user_key", "http://h?x=1"}[random.IntN(8)]
	}
	for i := range generatedCredentials {
		guid := fmt.Sprint("generated-", i)
		config := map[string]any{"id": i, "host": "db.example.com"}
		switch i % 4 {
		case 0:
			if random.IntN(2) == 0 {
				g.secrets[guid] = map[string]string{"password": vaultCanary}
			}
		case 1:
			config["credentialSource"], config["secret-path"], config["user"] = "agent", one("bundle"), "user_key"
		case 2:
			config["credentialSource"], config["password"] = "agent", one("value")
			extra := map[string]any{}
			for f := range random.IntN(12) {
				extra[fmt.Sprint("f", f)], config[fmt.Sprint("g", f)] = anyValue(), anyValue()
			}
			config["extra"] = extra
		case 3:
			config["credential-resolver"] = map[string]any{"references": "explicit"}
			config["url"] = "pg://${" + one("bundle") + "#user_key}:${" + one("value") + "}@h"
			config["list"] = []any{1, "${" + one("object") + "#password|urlquery}", "${" + one("value") + "}"}
			config["maybe"] = map[string]any{"secretKeyRef": map[string]any{"name": one("absent"), "optional": true}}
			config["else"] = map[string]any{"secretKeyRef": map[string]any{"name": one("absent"), "key": "k", "default": 1}}
		}
		text, _ := json.Marshal(config)
		g.configs[guid] = string(text)
	}
	return g
}

// readNow returns the hashes of the secrets that an explanation says were read for it.
func readNow(e component.Explanation) []string {
	var hashes []string
	for _, secret := range e.Secrets {
		if secret.Freshness == component.Fresh && slices.Contains([]string{"found", "missing", "refused"}, secret.Outcome) {
			hashes = append(hashes, secret.Hash)
		}
	}
	slices.Sort(hashes)
	return hashes
}

func parseExplanation(t *testing.T, text string) component.Explanation {
	t.Helper()
	var e component.Explanation
	require.NoError(t, json.Unmarshal([]byte(text), &e), text)
	require.NotContains(t, text, vaultCanary)
	return e
}

// TestStoreVaultExplain compares what explanations say was read with the server's audit log: the
// names that the command line explains, and the counts of a component with a cache.
func TestStoreVaultExplain(t *testing.T) {
	t.Parallel()
	v := startVault(t, harness.OpenBao())
	g := generate(1)
	for name, entries := range g.secrets {
		values := map[string]any{}
		for name, value := range entries {
			values[name] = value
		}
		v.write(t, "secret", name, values)
	}
	for guid, config := range g.configs {
		v.configs.config(t, guid, config)
	}
	const folder = "secret/data/dapr/"
	seen := 0
	// since returns the names of the secrets that the server was asked for since the last call.
	since := func() []string {
		paths, err := v.ReadPaths(folder)
		require.NoError(t, err)
		var names []string
		for _, path := range paths[seen:] {
			names = append(names, strings.TrimPrefix(path, folder))
		}
		seen = len(paths)
		return names
	}

	key := make([]byte, 32)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(key)), 0o400))
	keys, err := audit.NewKeys(key)
	require.NoError(t, err)
	plain := v.component(t, "plain", map[string]any{"cacheTTL": "0s"})
	total := 0
	since()
	for _, guid := range slices.Sorted(maps.Keys(g.configs)) {
		e := parseExplanation(t, commandOn(t, plain, "resolve", "--explain", "--output", "json", "--key-file", file, guid))
		var asked []string
		for _, name := range since() {
			asked = append(asked, keys.NameHash(credential.Reference(name)))
		}
		slices.Sort(asked)
		require.Equal(t, asked, readNow(e), guid)
		total += len(asked)
	}
	t.Logf("%d credentials, %d reads in the audit log", len(g.configs), total)
	require.Greater(t, total, 2*generatedCredentials)

	v.start(t, v.component(t, "cached", map[string]any{"cacheTTL": "10m"}))
	defer v.requireSilence(t)
	since()
	// The hashes have a key that only the component knows. A hash and a name belong together if
	// the same requests read them.
	byHash, byName := map[string]string{}, map[string]string{}
	random, cached := rand.New(rand.NewPCG(2, 0)), 0
	for request := range 2 * generatedCredentials {
		guid, metadata := fmt.Sprint("generated-", random.IntN(generatedCredentials)), []string{"explain=true"}
		if random.IntN(8) == 0 {
			metadata = append(metadata, "refresh=true")
		}
		entries, failure := v.side.get(t, "cached", guid, metadata...)
		require.Empty(t, failure)
		require.Len(t, entries, 1)
		e := parseExplanation(t, entries[component.ExplainEntry])
		asked, read := since(), readNow(e)
		require.Len(t, read, len(asked), "%s: %v", guid, metadata)
		for i, name := range asked {
			byName[name] += fmt.Sprint(request, " ")
			byHash[read[i]] += fmt.Sprint(request, " ")
		}
		if len(asked) < len(e.Secrets) {
			cached++
		}
	}
	require.Equal(t, slices.Sorted(maps.Values(byName)), slices.Sorted(maps.Values(byHash)))
	require.Greater(t, cached, generatedCredentials/2, "the cache must have an effect")
}

// TestStoreRedisExplain compares what explanations say about the reads of configs with Redis's
// MONITOR.
func TestStoreRedisExplain(t *testing.T) {
	t.Parallel()
	server, err := harness.StartRedis(t.Context(), "admin-canary-6b0e")
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	g, s := generate(3), newStores(t)
	for name, entries := range g.secrets {
		s.secrets[name] = entries
	}
	s.writeSecrets(t)
	for guid, config := range g.configs {
		_, err := server.Do(t.Context(), "HSET", "myapp||"+guid, "data", config, "version", 1)
		require.NoError(t, err)
	}
	monitor, err := server.Monitor(t.Context())
	require.NoError(t, err)
	t.Cleanup(monitor.Close)
	metadata := s.metadata(map[string]any{
		"configStore": "state.redis", "configStore.redisHost": server.Address, "configStore.redisPassword": server.Password,
		"configKey": "myapp||{guid}", "cacheTTL": "10m",
	})
	delete(metadata, "configStore.rootPath")
	side := startSidecar(t, harness.ComponentOptions{}, credentials("cached", metadata))
	random, fresh := rand.New(rand.NewPCG(4, 0)), 0
	_, err = monitor.Take(t.Context())
	require.NoError(t, err)
	for range 2 * generatedCredentials {
		guid := fmt.Sprint("generated-", random.IntN(generatedCredentials))
		entries, failure := side.get(t, "cached", guid, "explain=true")
		require.Empty(t, failure)
		e := parseExplanation(t, entries[component.ExplainEntry])
		var want []string
		for _, f := range e.Fields {
			if f.Field == "id" && f.Freshness == component.Fresh {
				want = []string{guid}
				fresh++
			}
		}
		lines, err := monitor.Take(t.Context())
		require.NoError(t, err)
		var asked []string
		for _, line := range lines {
			if _, key, ok := strings.Cut(line, `"myapp||`); ok {
				asked = append(asked, strings.TrimSuffix(key, `"`))
			}
		}
		require.Equal(t, want, asked)
	}
	t.Logf("%d requests, %d reads in MONITOR", 2*generatedCredentials, fresh)
	require.Greater(t, fresh, generatedCredentials/2)
}
