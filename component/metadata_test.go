package component_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/cache"
)

// enough returns the minimum metadata, with some added.
func enough(more map[string]string) map[string]string {
	properties := map[string]string{"secretStore": "secretstores.local.file"}
	maps.Copy(properties, more)
	return properties
}

func TestMetadataHaveDefaults(t *testing.T) {
	s, err := component.ParseMetadata(enough(nil))
	require.NoError(t, err)
	assert.Equal(t, component.Settings{
		ConfigStore:    store.Spec{Label: "configStore", Type: "state.sqlite", Fields: map[string]string{}},
		ConfigKey:      "{guid}",
		SecretStore:    store.Spec{Label: "secretStore", Type: "secretstores.local.file", Fields: map[string]string{}},
		RequestTimeout: 10 * time.Second,
		LiteralFields: []string{
			"host", "port", "connectBy", "auth-type", "agent-name", "agent-type", "key-type", "secret-manager",
			"aws-region", "aws-auth-method", "azure-auth-method",
		},
		MaxSecrets: 256,
		Limits:     store.Limits{Timeout: 3 * time.Second, Retries: 2, Concurrency: 64, BreakerFailures: 5, BreakerInterval: 5 * time.Second},
		Cache: cache.Options{
			TTL: time.Minute, MaxEntries: 10_000, MaxBytes: 64 << 20, StaleIfError: time.Hour, NegativeTTL: 5 * time.Second,
		},
		Format: component.Flat,
	}, s)
}

func TestMetadataAreRead(t *testing.T) {
	cases := map[string]struct {
		properties map[string]string
		want       func(s component.Settings) (got, want any)
	}{
		"configStore is a type": {
			map[string]string{"configStore": "state.redis"},
			func(s component.Settings) (any, any) { return s.ConfigStore.Type, "state.redis" },
		},
		"configStore.<field> is passed on, even if empty": {
			map[string]string{"configStore.host": "h:1", "configStore.a.b": ""},
			func(s component.Settings) (any, any) {
				return s.ConfigStore.Fields, map[string]string{"host": "h:1", "a.b": ""}
			},
		},
		"secretStore.<field> is passed on": {
			map[string]string{"secretStore.secretsFile": "f"},
			func(s component.Settings) (any, any) {
				return s.SecretStore.Fields, map[string]string{"secretsFile": "f"}
			},
		},
		"configKey is a template": {
			map[string]string{"configKey": "myapp||{guid}"},
			func(s component.Settings) (any, any) { return s.ConfigKey, "myapp||{guid}" },
		},
		"configKey may name the GUID twice": {
			map[string]string{"configKey": "a/{guid}/{guid}.json"},
			func(s component.Settings) (any, any) { return s.ConfigKey, "a/{guid}/{guid}.json" },
		},
		"environment may be production": {
			map[string]string{"environment": "production"},
			func(s component.Settings) (any, any) { return s.Local, false },
		},
		"environment may be local": {
			map[string]string{"environment": "local"},
			func(s component.Settings) (any, any) { return s.Local, true },
		},
		"unresolved may be error": {
			map[string]string{"unresolved": "error"},
			func(s component.Settings) (any, any) { return s.AllowUnresolved, false },
		},
		"unresolved may be allow": {
			map[string]string{"unresolved": "allow"},
			func(s component.Settings) (any, any) { return s.AllowUnresolved, true },
		},
		"allowedSecrets are globs": {
			map[string]string{"allowedSecrets": "myapp/*, shared-?"},
			func(s component.Settings) (any, any) {
				return []bool{s.AllowedSecrets.Match("myapp/a/b"), s.AllowedSecrets.Match("shared-1"), s.AllowedSecrets.Match("other")},
					[]bool{true, true, false}
			},
		},
		"allowBulk may be false": {
			map[string]string{"allowBulk": "false"},
			func(s component.Settings) (any, any) { return s.AllowBulk, false },
		},
		"allowBulk may be true": {
			map[string]string{"allowBulk": "true"},
			func(s component.Settings) (any, any) { return s.AllowBulk, true },
		},
		"responseFormat may be flat": {
			map[string]string{"responseFormat": "flat"},
			func(s component.Settings) (any, any) { return s.Format, component.Flat },
		},
		"responseFormat may be json": {
			map[string]string{"responseFormat": "json"},
			func(s component.Settings) (any, any) { return s.Format, component.JSON },
		},
		"requestTimeout is a duration": {
			map[string]string{"requestTimeout": "1m30s"},
			func(s component.Settings) (any, any) { return s.RequestTimeout, 90 * time.Second },
		},
		"storeRetries is a number": {
			map[string]string{"storeRetries": "0"},
			func(s component.Settings) (any, any) { return s.Limits.Retries, 0 },
		},
		"storeConcurrency is a number": {
			map[string]string{"storeConcurrency": "8"},
			func(s component.Settings) (any, any) { return s.Limits.Concurrency, 8 },
		},
		"maxSecrets is a number": {
			map[string]string{"maxSecrets": "10000"},
			func(s component.Settings) (any, any) { return s.MaxSecrets, 10_000 },
		},
		"breakerFailures may be 0": {
			map[string]string{"breakerFailures": "0"},
			func(s component.Settings) (any, any) { return s.Limits.BreakerFailures, 0 },
		},
		"breakerInterval is a duration": {
			map[string]string{"breakerInterval": "1m"},
			func(s component.Settings) (any, any) { return s.Limits.BreakerInterval, time.Minute },
		},
		"cacheTTL may be 0s": {
			map[string]string{"cacheTTL": "0s"},
			func(s component.Settings) (any, any) { return s.Cache.TTL, time.Duration(0) },
		},
		"staleIfError is a duration": {
			map[string]string{"staleIfError": "24h"},
			func(s component.Settings) (any, any) { return s.Cache.StaleIfError, 24 * time.Hour },
		},
		"negativeCacheTTL is a duration": {
			map[string]string{"negativeCacheTTL": "1s"},
			func(s component.Settings) (any, any) { return s.Cache.NegativeTTL, time.Second },
		},
		"cacheMaxEntries is a number": {
			map[string]string{"cacheMaxEntries": "100000"},
			func(s component.Settings) (any, any) { return s.Cache.MaxEntries, 100_000 },
		},
		"cacheMaxBytes is a quantity": {
			map[string]string{"cacheMaxBytes": "1.5Gi"},
			func(s component.Settings) (any, any) { return s.Cache.MaxBytes, int64(3 << 29) },
		},
		"cacheMaxBytes may be the least": {
			map[string]string{"cacheMaxBytes": "1Mi"},
			func(s component.Settings) (any, any) { return s.Cache.MaxBytes, int64(1 << 20) },
		},
		"cacheMaxBytes may be the most": {
			map[string]string{"cacheMaxBytes": "1Ti"},
			func(s component.Settings) (any, any) { return s.Cache.MaxBytes, int64(1 << 40) },
		},
		"deniedProbe may be error": {
			map[string]string{"deniedProbe": "error"},
			func(s component.Settings) (any, any) { return s.DeniedIsLiteral, false },
		},
		"deniedProbe may be literal": {
			map[string]string{"deniedProbe": "literal"},
			func(s component.Settings) (any, any) { return s.DeniedIsLiteral, true },
		},
		"consistentReads may be false": {
			map[string]string{"consistentReads": "false"},
			func(s component.Settings) (any, any) { return s.Cache.Consistent, false },
		},
		"consistentReads may be true": {
			map[string]string{"consistentReads": "true"},
			func(s component.Settings) (any, any) { return s.Cache.Consistent, true },
		},
		"storeTimeout is a duration": {
			map[string]string{"storeTimeout": "500ms"},
			func(s component.Settings) (any, any) { return s.Limits.Timeout, 500 * time.Millisecond },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := component.ParseMetadata(enough(tc.properties))
			require.NoError(t, err)
			got, want := tc.want(s)
			assert.Equal(t, want, got)
		})
	}
}

func TestABadValueIsRefusedWithTheRemedy(t *testing.T) {
	const (
		duration       = `must be a duration above zero with a unit, such as "3s"`
		durationOrNone = `must be a duration with a unit, such as "60s"; "0s" turns it off`
	)
	cases := []struct{ name, value, says string }{
		{"configKey", "myapp||{GUID}", "must contain {guid}"},
		{"configKey", canary.Secret, "must contain {guid}"},
		{"environment", canary.Secret, "must be one of: local, production"},
		{"environment", "Local", "must be one of: local, production"},
		{"unresolved", canary.Secret, "must be one of: allow, error"},
		{"responseFormat", canary.Secret, "must be one of: flat, json"},
		{"allowedSecrets", canary.Secret + ",", "has an empty pattern"},
		{"allowedSecrets", canary.Secret + "\xff", "has a pattern that is not valid UTF-8"},
		{"allowBulk", canary.Secret, "must be one of: false, true"},
		{"allowBulk", "True", "must be one of: false, true"},
		{"allowBulk", "1", "must be one of: false, true"},
		{"requestTimeout", canary.Secret, duration},
		{"requestTimeout", "3", duration},
		{"requestTimeout", "0s", duration},
		{"requestTimeout", "-1s", duration},
		{"storeTimeout", canary.Secret, duration},
		{"storeTimeout", "1 s", duration},
		{"storeRetries", canary.Secret, "must be a whole number from 0 to 10"},
		{"storeRetries", "-1", "must be a whole number from 0 to 10"},
		{"storeRetries", "11", "must be a whole number from 0 to 10"},
		{"storeConcurrency", "0", "must be a whole number from 1 to 10000"},
		{"maxSecrets", "0", "must be a whole number from 1 to 10000"},
		{"maxSecrets", "10001", "must be a whole number from 1 to 10000"},
		{"breakerFailures", "1.5", "must be a whole number from 0 to 1000"},
		{"breakerInterval", "5", duration},
		{"cacheTTL", canary.Secret, durationOrNone},
		{"staleIfError", "-1s", durationOrNone},
		{"negativeCacheTTL", "5", durationOrNone},
		{"cacheMaxEntries", "0", "must be a whole number from 1 to 10000000"},
		{"cacheMaxBytes", canary.Secret, `must be a number of bytes from "1Mi" to "1Ti"`},
		{"cacheMaxBytes", "64", `must be a number of bytes from "1Mi" to "1Ti"`},
		{"storeConcurrency", "10001", "must be a whole number from 1 to 10000"},
		{"breakerFailures", "1001", "must be a whole number from 0 to 1000"},
		{"cacheMaxEntries", "10000001", "must be a whole number from 1 to 10000000"},
		{"cacheMaxBytes", "1023Ki", `must be a number of bytes from "1Mi" to "1Ti"`},
		{"cacheMaxBytes", "1025Gi", `must be a number of bytes from "1Mi" to "1Ti"`},
		{"configStore.", canary.Secret, "is unknown"},
		{"secretStore.", canary.Secret, "is unknown"},
		{"consistentReads", "yes", "must be one of: false, true"},
	}
	for _, name := range []string{
		"configStore", "secretStore", "configKey", "allowedSecrets", "allowBulk", "environment", "unresolved", "responseFormat",
		"requestTimeout", "storeTimeout", "storeRetries", "storeConcurrency", "breakerFailures", "breakerInterval",
		"cacheTTL", "cacheMaxEntries", "cacheMaxBytes", "staleIfError", "negativeCacheTTL", "consistentReads",
	} {
		cases = append(cases, struct{ name, value, says string }{name, "", "is empty: set a value, or remove it"})
	}
	for _, tc := range cases {
		t.Run(tc.name+" may not be "+tc.value, func(t *testing.T) {
			_, err := component.ParseMetadata(enough(map[string]string{tc.name: tc.value}))
			require.ErrorContains(t, err, "metadata "+tc.name+": "+tc.says)
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestASecretStoreIsRequiredUnlessTheEnvironmentIsLocal(t *testing.T) {
	cases := map[string]struct {
		properties map[string]string
		refused    bool
	}{
		"production without a secret store": {map[string]string{}, true},
		"local without a secret store":      {map[string]string{"environment": "local"}, false},
		"local with only a field":           {map[string]string{"environment": "local", "secretStore.secretsFile": "f"}, true},
		"production with only a field":      {map[string]string{"secretStore.secretsFile": "f"}, true},
		"local with a secret store": {
			map[string]string{"environment": "local", "secretStore": "secretstores.local.file"}, false,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := component.ParseMetadata(tc.properties)
			if !tc.refused {
				require.NoError(t, err)
				assert.Equal(t, tc.properties["secretStore"], s.SecretStore.Type)
				return
			}
			require.ErrorContains(t, err, "metadata secretStore is missing")
			require.ErrorContains(t, err, "secretstores.local.file", "an example")
			require.ErrorContains(t, err, "environment to local", "the other remedy")
		})
	}
}
