//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n"

// TestCredentials requests credentials of both sources and both modes from the default config
// store, over HTTP and with the Go SDK over gRPC.
func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.secret(t, "db-bundle", map[string]string{"db_password_key": "s3cr3t", "ssl_cert_key": certificate})
	s.secret(t, "api-key", map[string]string{"value": "ak_live_1"})
	s.secret(t, "refresh-token", map[string]string{"refresh-token": "rt_2"})
	s.secret(t, "direct-1", map[string]string{"bundle": `{"username":"reader","password":"p4ss","port":5439}`})
	data := t.TempDir()
	put(t, data, "multi-1", `{"credentialSource":"agent","secret-path":"db-bundle","host":"db.example.com","port":5432,
		"big":12345678901234567,"ratio":12.50,"nothing":null,"password":"db_password_key","ssl_cert":"ssl_cert_key"}`)
	put(t, data, "single-1", `{"credentialSource":"agent","host":"api.example.com","api_key":"api-key",
		"extra":{"region":"eu","token":"refresh-token","limits":{"rps": 1e21}}}`)
	put(t, data, "direct-1", `{"host":"w.example.com","port":1,"database":"reporting"}`)

	side := startSidecar(t, harness.ComponentOptions{Env: []string{"XDG_DATA_HOME=" + data}},
		credentials("credentials", map[string]any{
			"secretStore":             "secretstores.local.file",
			"secretStore.secretsFile": s.path("secrets.json"),
			"secretStore.multiValued": "true",
		}))
	sdk := side.sdk(t)

	multi := map[string]string{
		"credentialSource": "agent", "secret-path": "db-bundle", "host": "db.example.com", "port": "5432",
		"big": "12345678901234567", "ratio": "12.50", "password": "s3cr3t", "ssl_cert": certificate,
	}
	tests := map[string]struct {
		guid     string
		metadata []string
		want     map[string]string
	}{
		"agent with a bundle": {"multi-1", nil, multi},
		"agent with one secret per field": {"single-1", nil, map[string]string{
			"credentialSource": "agent", "host": "api.example.com", "api_key": "ak_live_1",
			"extra": `{"region":"eu","token":"rt_2","limits":{"rps":1e21}}`,
		}},
		"direct, its bundle under the GUID": {"direct-1", nil, map[string]string{
			"host": "w.example.com", "port": "5439", "database": "reporting", "username": "reader", "password": "p4ss",
		}},
		"format flat is the default": {"multi-1", []string{"format=flat"}, multi},
		"format json keeps types, order and null": {"multi-1", []string{"format=json"}, map[string]string{
			"_value": `{"credentialSource":"agent","secret-path":"db-bundle","host":"db.example.com","port":5432,` +
				`"big":12345678901234567,"ratio":12.50,"nothing":null,"password":"s3cr3t",` +
				`"ssl_cert":"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n"}`,
		}},
		"fields": {"single-1", []string{"fields=api_key,extra.token"}, map[string]string{
			"api_key": "ak_live_1", "extra.token": "rt_2",
		}},
		"fields in json have the same shape": {"single-1", []string{"format=json", "fields=extra.token,host"}, map[string]string{
			"_value": `{"host":"api.example.com","extra":{"token":"rt_2"}}`,
		}},
		"a namespace is ignored, and makes it flat": {"direct-1", []string{"namespace=x", "format=json", "fields=port"}, map[string]string{
			"port": "5439",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			entries, failure := side.get(t, "credentials", test.guid, test.metadata...)
			require.Empty(t, failure)
			require.Equal(t, test.want, entries, "over HTTP")

			entries, err := sdk.GetSecret(t.Context(), "credentials", test.guid, pairs(test.metadata))
			require.NoError(t, err)
			require.Equal(t, test.want, entries, "over gRPC")
		})
	}
}

// TestResponseFormat uses a component that answers with JSON unless a request asks for another
// format.
func TestResponseFormat(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "local-1", `{"host":"h","port":1}`)
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", map[string]any{
		"configStore": "bindings.localstorage", "configStore.rootPath": s.path("configs"), "configKey": "{guid}.json",
		"environment": "local", "responseFormat": "json",
	}))
	entries, failure := side.get(t, "credentials", "local-1")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"_value": `{"host":"h","port":1}`}, entries)
	entries, failure = side.get(t, "credentials", "local-1", "format=flat")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"host": "h", "port": "1"}, entries)
}
