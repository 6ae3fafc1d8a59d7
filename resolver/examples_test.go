package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ1+/a=\n-----END CERTIFICATE-----\n"

// The credentials from the manual of the library that this project replaces.
func TestManualExamplesResolve(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name: "a database credential whose password is in a bundle",
			config: `{"credentialSource":"agent","secret-path":"prod/db","host":"db.example.com","port":5432,` +
				`"database":"analytics","username":"app_user","password":"db_password_key"}`,
			secrets: secrets{"prod/db": {"db_password_key": "s3cret"}},
			asked:   []string{"prod/db"},
			want: `{"credentialSource":"agent","secret-path":"prod/db","host":"db.example.com","port":5432,` +
				`"database":"analytics","username":"app_user","password":"s3cret"}`,
		},
		{
			name: "a database credential whose password is a secret of its own",
			config: `{"credentialSource":"agent","host":"db.example.com","port":5432,` +
				`"username":"app_user","password":"database-password"}`,
			secrets: secrets{"database-password": {"password": "s3cret"}},
			asked:   []string{"db.example.com", "app_user", "database-password"},
			want: `{"credentialSource":"agent","host":"db.example.com","port":5432,` +
				`"username":"app_user","password":"s3cret"}`,
		},
		{
			name:    "an API credential",
			config:  `{"credentialSource":"agent","api_key":"crm-api-key","api_secret":"crm-api-secret"}`,
			secrets: secrets{"crm-api-key": {"crm-api-key": "key-1"}, "crm-api-secret": {"crm-api-secret": "sec-2"}},
			asked:   []string{"crm-api-key", "crm-api-secret"},
			want:    `{"credentialSource":"agent","api_key":"key-1","api_secret":"sec-2"}`,
		},
		{
			name: "references in extra: an auth token, a refresh token and a certificate",
			config: `{"credentialSource":"agent","secret-path":"api-secrets","host":"api.example.com","port":443,` +
				`"extra":{"auth_token":"auth_token_ref","refresh_token":"refresh_token_ref","certificate":"cert_ref"}}`,
			secrets: secrets{"api-secrets": {
				"auth_token_ref": "at-1", "refresh_token_ref": "rt-2", "cert_ref": "PEM",
			}},
			asked: []string{"api-secrets"},
			want: `{"credentialSource":"agent","secret-path":"api-secrets","host":"api.example.com","port":443,` +
				`"extra":{"auth_token":"at-1","refresh_token":"rt-2","certificate":"PEM"}}`,
		},
		{
			name:    "a direct credential whose bundle is under its GUID",
			config:  `{"host":"db.example.com","port":5432,"username":"app_user"}`,
			secrets: secrets{guid: {"password": "s3cret", "username": "rotated_user"}},
			asked:   []string{guid},
			want:    `{"host":"db.example.com","port":5432,"username":"rotated_user","password":"s3cret"}`,
		},
		{
			name:   "a direct credential without a bundle",
			config: `{"host":"localhost","port":5432,"username":"dev_user","password":"dev_password","database":"app_dev"}`,
			asked:  []string{guid},
			want:   `{"host":"localhost","port":5432,"username":"dev_user","password":"dev_password","database":"app_dev"}`,
		},
	})
}

func TestManualExampleSubstitutesACertificate(t *testing.T) {
	config := resolvertest.Parse(t, `{"host":"db.example.com","port":5432,"database":"analytics",`+
		`"username":"app_user","password":"db_password_key","ssl_cert":"ssl_cert_key"}`)
	bundle, err := credential.Entries(map[string]string{
		"db_password_key": "actual_password", "ssl_cert_key": certificate,
	})
	require.NoError(t, err)

	resolved := credential.ResolveCredentials(config, bundle)

	v, _ := resolved.Get("ssl_cert")
	text, ok := v.Text()
	assert.True(t, ok)
	assert.Equal(t, certificate, text, "the whole certificate, with its line feeds")
	assert.Equal(t, `{"host":"db.example.com","port":5432,"database":"analytics","username":"app_user",`+
		`"password":"actual_password","ssl_cert":"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ1+/a=\n-----END CERTIFICATE-----\n"}`,
		resolvertest.JSON(t, resolved))
}

func TestResolveAndApplySubstituteAlike(t *testing.T) {
	config := resolvertest.Parse(t, `{"credentialSource":"agent","a":"x","extra":{"b":"x","c":"y"},"d":"y"}`)
	bundle := resolvertest.Parse(t, `{"x":1,"y":{"z":"x"}}`)
	assert.Equal(t,
		resolvertest.JSON(t, credential.ApplySecretValues(config, bundle)),
		resolvertest.JSON(t, credential.ResolveCredentials(config, bundle)))
}
