package component_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
)

// DESIGN.md, section 4, step 5: a warning once per config, and a metric.
func TestASecretOfWhichNothingWasUsedIsLoggedOnceAndCounted(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{"gcp-sa": {"key.json": "{\"type\":\"` + canary.Secret + `\",\"x\":\"y\"}"}, "pw": {"value": "hunter2"}}`)
	w.config("c", `{"credentialSource":"agent","sa":"gcp-sa","password":"pw","extra":{"a":"gcp-sa"}}`)
	store := w.open(map[string]string{"cacheTTL": "0s"})
	for range 3 {
		data, err := get(store, "c")
		require.NoError(t, err)
		require.Equal(t, "gcp-sa", data["sa"])
		require.Equal(t, "hunter2", data["password"])
	}
	log := w.log.String()
	require.Equal(t, 1, strings.Count(log, "of which no entry was used"))
	require.Regexp(t, `credential .*c.*: its field .*sa.* names a secret of which no entry was used \(reference [0-9a-f]{16}\)`, log)
	require.NotContains(t, log, "gcp-sa")

	w.config("one", `{"credentialSource":"agent","sa":"gcp-sa","password":"pw"}`)
	_, err := get(store, "one")
	require.NoError(t, err)
	log = w.log.String()
	require.Equal(t, 2, strings.Count(log, "of which no entry was used"))
	canary.AssertNone(t, log)
	require.InDelta(t, 4, w.counted()["credential_resolver_unused_secrets_total{}"], 0)
}

func TestAnUnusedSecretsLineCountsTheOtherFields(t *testing.T) {
	for guid, tc := range map[string]struct{ fields, says string }{
		"one":   {`"a":"unused"`, `): the value`},
		"two":   {`"a":"unused","b":"unused"`, `), and so does 1 more field: the value`},
		"three": {`"a":"unused","b":"unused","c":"unused"`, `), and so do 2 more fields: the value`},
	} {
		t.Run(guid, func(t *testing.T) {
			w := newFileStores(t)
			w.secrets(`{"unused": {"key.json": "{\"type\":\"x\",\"x\":\"y\"}"}, "pw": {"value": "hunter2"}}`)
			w.config(guid, `{"credentialSource":"agent","password":"pw",`+tc.fields+`}`)
			_, err := get(w.open(nil), guid)
			require.NoError(t, err)
			require.Contains(t, w.log.String(), tc.says)
		})
	}
}
