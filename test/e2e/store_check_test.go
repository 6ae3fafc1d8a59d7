//go:build e2e && stores

package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/bson"

	"credential-resolver/internal/check"
	"credential-resolver/test/harness"
)

// checked is what the command "check" prints.
type checked struct {
	Findings []check.Finding
	Summary  check.Summary
}

// checkOn runs the command "check" on a Component. Its exit status must fit what it prints.
func checkOn(t *testing.T, r resource) checked {
	t.Helper()
	out, err := tryCommandOn(t, r, "check", "--output", "json")
	var c checked
	require.NoError(t, json.Unmarshal([]byte(out), &c), out)
	require.NotContains(t, out, "canary")
	var exit *exec.ExitError
	if c.Summary.Errors == 0 {
		require.NoError(t, err)
	} else {
		require.True(t, errors.As(err, &exit) && exit.ExitCode() == 1, err)
	}
	return c
}

// errors returns the errors as "id guid store".
func (c checked) errors() []string {
	texts := []string{}
	for _, f := range c.Findings {
		if f.Severity == check.SeverityError {
			texts = append(texts, strings.Join([]string{string(f.ID), f.GUID, f.Store}, " "))
		}
	}
	return texts
}

func TestStoreVaultCheck(t *testing.T) { onEachVault(t, vaultCheck) }

// vaultCheck checks with all rights, with each right missing, and without a login or a server.
func vaultCheck(t *testing.T, v *vaultStore) {
	mode := policyModes["lookupFields"]
	wide := v.component(t, "wide", mode.metadata)
	c := checkOn(t, wide)
	require.Empty(t, c.errors())
	require.Equal(t, 3, c.Summary.Credentials)

	policy := commandOn(t, wide, "policy", "--for", "vault")
	narrow := v.component(t, "narrow", mode.metadata)
	token := v.token(t, "printed")
	narrow.metadata["secretStore.vaultToken"] = token
	v.policy(t, "printed", policy)
	require.Empty(t, checkOn(t, narrow).errors(), "with the printed policy and nothing more")
	rules := 0
	for _, without := range regexp.MustCompile(`(?s)path "secret/[^\n]*" \{.*?\n\}\n`).FindAllString(policy, -1) {
		v.policy(t, "printed", strings.Replace(policy, without, "", 1))
		found := checkOn(t, narrow)
		require.Len(t, found.errors(), 1, "without %s", without)
		f := found.Findings[slices.IndexFunc(found.Findings, func(f check.Finding) bool { return f.Severity == check.SeverityError })]
		require.Equal(t, check.SecretDenied, f.ID)
		assert.Contains(t, f.Message, `grant what "policy --for vault" prints`)
		if f.Secret != "" { // a looked-up name is not printed, because it may be a password
			assert.Contains(t, without, f.Secret)
		}
		rules++
	}
	require.GreaterOrEqual(t, rules, 4)

	v.do(t, http.MethodDelete, "secret/metadata/dapr/analytics-db", nil)
	require.Equal(t, []string{"reference-missing analytics-db secretStore"}, checkOn(t, wide).errors())

	v.revoke(t, token)
	require.Equal(t, []string{"store-denied  secretStore"}, checkOn(t, narrow).errors())
	require.NoError(t, v.Stop())
	down := checkOn(t, wide)
	require.Equal(t, []string{"store-unreachable  secretStore"}, down.errors())
	require.Equal(t, 3, down.Summary.Unchecked)
}

// TestStoreCheckOfConfigStores checks with config stores that are down, or refuse the login.
func TestStoreCheckOfConfigStores(t *testing.T) {
	t.Parallel()
	redis, err := harness.StartRedis(t.Context(), "admin-canary-6b0e", redisReader, redisBarred)
	require.NoError(t, err)
	t.Cleanup(redis.Remove)
	_, err = redis.Do(t.Context(), "SET", "myapp||plain", `{}`)
	require.NoError(t, err)
	postgres := startPostgres(t)
	require.NoError(t, postgres.Exec(t.Context(), `INSERT INTO credentials.state (key, value) VALUES ('myapp||plain', '{}')`))
	mongo := startMongoDB(t, false)
	require.NoError(t, mongo.Insert(t.Context(), "credentials", "configs", bson.M{"_id": "myapp||plain", "value": `{}`, "_etag": "1"}))
	on := func(changes map[string]any) resource {
		metadata := newStores(t).metadata(changes)
		delete(metadata, "configStore.rootPath")
		metadata["configKey"] = "myapp||{guid}"
		return credentials("credentials", metadata)
	}
	redisUser := func(name, password string) resource {
		return on(map[string]any{
			"configStore": "state.redis", "configStore.redisHost": redis.Address, "configStore.redisUsername": name, "configStore.redisPassword": password,
		})
	}
	postgresAs := func(role, password string) resource {
		return on(map[string]any{
			"configStore": "state.postgresql", "configStore.connectionString": postgres.URL(role, password), "configStore.tablePrefix": "credentials.",
			"configStore.metadataTableName": "credential_resolver.dapr_metadata", "configStore.cleanupInterval": "0",
		})
	}
	mongoAs := func(user, password string) resource {
		metadata := mongoUser(t, mongo, user, password)
		maps.Copy(metadata, map[string]any{
			"configStore": "state.mongodb", "configStore.databaseName": "credentials", "configStore.collectionName": "configs",
		})
		return on(metadata)
	}
	for name, store := range map[string]struct {
		good, barred, wrong resource
		server              *harness.Server
	}{
		"redis": {redisUser("credentials", "reader-canary-7c1f"), redisUser("barred", "barred-canary-9e3d"), redisUser("credentials", "wrong-canary"), redis.Server},
		"postgresql": {
			postgresAs("credentials", "reader-canary-1b2c"), postgresAs("barred", "barred-canary-5f6a"), postgresAs("credentials", "wrong-canary"), postgres.Server,
		},
		"mongodb": {
			mongoAs("credentials", "reader-canary-4d9a"), mongoAs("barred", "barred-canary-5a0f"), mongoAs("credentials", "wrong-canary"), mongo.Server,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := checkOn(t, store.good)
			require.Empty(t, c.errors())
			require.Equal(t, check.Summary{Credentials: 1}, c.Summary)
			require.Equal(t, []string{"store-cannot-list  configStore"}, checkOn(t, store.barred).errors())
			require.Equal(t, []string{"store-denied  configStore"}, checkOn(t, store.wrong).errors())
			require.NoError(t, store.server.Stop())
			require.Equal(t, []string{"store-unreachable  configStore"}, checkOn(t, store.good).errors())
		})
	}
}
