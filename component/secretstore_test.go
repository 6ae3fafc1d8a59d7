package component_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestACredentialIsResolved(t *testing.T) {
	w := newFileStores(t)
	w.config("agent-bundle", `{"credentialSource":"agent","secret-path":"bundle","host":"h","port":5432,"password":"pw","extra":{"token":"tk"},"none":null}`)
	w.config("agent-single", `{"credentialSource":"agent","host":"db.example.com","password":"db-password"}`)
	w.config("plain", `{"username":"u","password":"overlaid"}`)
	w.config("odd", `{"credentialSource":"elsewhere","username":"u"}`)
	w.secrets(`{
		"bundle": {"pw": "s3cr3t", "tk": "t0k3n"},
		"db-password": {"value": "hunter2"},
		"plain": {"password": "direct", "more": "m"}
	}`)
	store := w.open(nil)
	cases := map[string]struct {
		guid     string
		metadata []string
		want     map[string]string
	}{
		"agent, of a bundle": {"agent-bundle", nil, map[string]string{
			"credentialSource": "agent", "secret-path": "bundle", "host": "h", "port": "5432",
			"password": "s3cr3t", "extra": `{"token":"t0k3n"}`,
		}},
		"agent, one secret a field": {"agent-single", nil, map[string]string{
			"credentialSource": "agent", "host": "db.example.com", "password": "hunter2",
		}},
		"direct":               {"plain", nil, map[string]string{"username": "u", "password": "direct", "more": "m"}},
		"of an unknown source": {"odd", nil, map[string]string{"credentialSource": "elsewhere", "username": "u"}},
		"as JSON": {"agent-bundle", []string{"format", "json"}, map[string]string{
			"_value": `{"credentialSource":"agent","secret-path":"bundle","host":"h","port":5432,"password":"s3cr3t","extra":{"token":"t0k3n"},"none":null}`,
		}},
		"some of its fields": {"agent-bundle", []string{"fields", "password,extra.token"}, map[string]string{
			"password": "s3cr3t", "extra.token": "t0k3n",
		}},
		"some of its fields, as JSON": {"agent-bundle", []string{"fields", "extra.token,port", "format", "json"}, map[string]string{
			"_value": `{"port":5432,"extra":{"token":"t0k3n"}}`,
		}},
		"for a secretKeyRef": {"plain", []string{"namespace", "default"}, map[string]string{
			"username": "u", "password": "direct", "more": "m",
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			data, err := get(store, tc.guid, tc.metadata...)
			require.NoError(t, err)
			assert.Equal(t, tc.want, data)
		})
	}
	assert.Contains(t, w.log.String(), "treated as direct")
	assert.NotContains(t, w.log.String(), "elsewhere")
}

func TestACredentialWithoutFieldsIsAnEmptyAnswer(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"none":null}`)
	w.secrets(`{}`)
	data, err := get(w.open(nil), "c")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{}, data, "and not nil")
}

func TestTheFormByDefaultIsTheComponentsChoice(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"port":5432}`)
	w.secrets(`{}`)
	store := w.open(map[string]string{"responseFormat": "json"})
	for want, metadata := range map[string][]string{
		"_value": nil,
		"port":   {"namespace", "default"},
	} {
		data, err := get(store, "c", metadata...)
		require.NoError(t, err)
		assert.Contains(t, data, want)
	}
}

func TestTheLocalEnvironmentNeedsNoSecretStore(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"reference"}`)
	store := w.open(map[string]string{
		"environment": "local", "secretStore": "", "secretStore.secretsFile": "", "secretStore.multiValued": "",
	})
	data, err := get(store, "c")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"credentialSource": "agent", "password": "reference"}, data)
}

func TestUnresolvedAllowAnswersTheConfig(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"literal"}`)
	w.secrets(`{}`)
	data, err := get(w.open(map[string]string{"unresolved": "allow"}), "c")
	require.NoError(t, err)
	assert.Equal(t, "literal", data["password"])
}

func TestCredentialsMayNotBeListedUnlessThatIsAllowed(t *testing.T) {
	for name, changed := range map[string]map[string]string{
		"by default": nil, "if it is false": {"allowBulk": "false"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFileStores(t)
			w.config("c", `{"password":"`+canary.Secret+`"}`)
			w.secrets(`{}`)
			resp, err := w.open(changed).BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{})
			assert.Nil(t, resp.Data)
			assert.Equal(t, codes.PermissionDenied, status.Code(err))
			require.ErrorContains(t, err, "credential: listing all credentials is not allowed (metadata allowBulk)")
			canary.AssertNone(t, w.log.String())
		})
	}
}

func TestACredentialHasSeveralEntries(t *testing.T) {
	store := newFileStores(t).factory()
	assert.Equal(t, []secretstores.Feature{secretstores.FeatureMultipleKeyValuesPerSecret}, store.Features())
	assert.Empty(t, store.(*component.SecretStore).GetComponentMetadata())
	assert.NoError(t, store.Close(), "an uninitialised store can be closed")
}

// Section 3.
func TestAMalformedGUIDIsRefusedBeforeAnyStore(t *testing.T) {
	stores := resolvertest.New(t)
	store := component.On((&logtext.Text{}).Logger(t.Name()), component.NewMetrics(prometheus.NewRegistry()), stores.Options())
	for _, malformed := range []string{"", "bulk", "a b", "../a", "a/b", "ü", "a\x00", strings.Repeat("a", 129)} {
		stores.Configs.Put(malformed, `{"a":1}`)
		for _, metadata := range [][]string{nil, {"refresh", "true"}, {"rejected", "f"}, {"namespace", "n"}} {
			_, err := get(store, malformed, metadata...)
			require.EqualError(t, err, "rpc error: code = InvalidArgument desc = credential: malformed GUID: "+credential.GUIDRule)
		}
	}
	assert.Empty(t, stores.Configs.Asked())
	assert.Empty(t, stores.Secrets.Asked())
}

func TestAPanicIsItsRequestsInternal(t *testing.T) {
	log := &logtext.Text{}
	stores := resolvertest.New(t)
	stores.Configs.Put("c", `{"credentialSource":"agent","password":"`+canary.Reference+`"}`)
	stores.Configs.Put("fine", `{}`)
	stores.Secrets.Before(canary.Reference, resolvertest.Panic(canary.Secret))
	stores.Configs.Before("hopeless", resolvertest.Panic(canary.Secret))
	store := component.On(log.Logger(t.Name()), component.NewMetrics(prometheus.NewRegistry()), stores.Options())

	for _, guid := range []string{"c", "hopeless"} {
		_, err := get(store, guid)
		require.EqualError(t, err, `rpc error: code = Internal desc = credential "`+guid+`": internal error`)
	}
	_, err := get(store, "fine")
	require.NoError(t, err)
	canary.AssertNone(t, log.String())
}

func TestAnswersAreCountedByTheirCode(t *testing.T) {
	w := newFileStores(t)
	w.config("odd", `{"credentialSource":"`+canary.Secret+`"}`)
	w.secrets(`{}`)
	store := w.open(nil)
	for guid, want := range map[string]codes.Code{"odd": codes.OK, "none": codes.NotFound, "a b": codes.InvalidArgument} {
		_, err := get(store, guid)
		require.Equal(t, want, status.Code(err))
		_, err = get(store, guid)
		require.Equal(t, want, status.Code(err))
	}
	assert.Equal(t, map[string]float64{
		`credential_resolver_requests_total{OK}`:              2,
		`credential_resolver_requests_total{NotFound}`:        2,
		`credential_resolver_requests_total{InvalidArgument}`: 2,
		`credential_resolver_unknown_source_total{}`:          2,
		`credential_resolver_unused_secrets_total{}`:          0,
		`credential_resolver_stale_answers_total{}`:           0,
		`credential_resolver_cache_hits_total{}`:              0,
		`credential_resolver_refreshes_total{OK}`:             0,
	}, w.counted())
}
