package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFieldsOfSecretsAreKnownByTheirName(t *testing.T) {
	for _, name := range []string{
		"password", "PASSWORD", "dbPassword", "db_password", "password2fa-token", "client-secret", "clientSecret", "apiKey", "api_key", "APIKey", "apikey",
		"privateKey", "aws_secret_access_key", "awsSecretAccessKey", "accountKey", "sasUrl", "pwd", "passphrase", "private_key_pem", "bearerToken", "secrets",
	} {
		assert.True(t, secretField(name), name)
		assert.False(t, plainField(name), name)
	}
	for _, name := range []string{
		"", "user", "host", "keyId", "access_key_id", "secretName", "tokenUrl", "token_endpoint", "passwordFile", "password-policy", "tokenExpiry", "key", "passport",
		"compassword", "secretStore", "secretary", "tokens_per_minute", "ключ",
	} {
		assert.False(t, secretField(name), name)
	}
	for _, name := range []string{"host", "dbHost", "DB_PORT", "port", "database", "ssl-mode-type", "region"} {
		assert.True(t, plainField(name), name)
	}
	for _, name := range []string{"user", "password", "key", "hosts", "", "portal"} {
		assert.False(t, plainField(name), name)
	}
}

func TestSecretsAreKnownByTheirText(t *testing.T) {
	for _, text := range []string{
		"-----BEGIN PRIVATE KEY-----\nMII", "x -----BEGIN RSA PRIVATE KEY-----", "ghp_" + strings.Repeat("a1", 18), "glpat-" + strings.Repeat("x", 20),
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x", "postgres://u:p@h/db", "amqp://:p@h",
	} {
		assert.True(t, isSecretText(text), text)
	}
	for _, text := range []string{"", "u:p@h", "https://h/p?a=b", "https://user@h/", "https://h:443/x@y", "mailto:a@b", "-----BEGIN CERTIFICATE-----", "ghp_short", "eyJ.eyJ."} {
		assert.False(t, isSecretText(text), text)
	}
	for _, text := range []string{"***", "xxx", "<password>", "{{ password }}", "TODO", "none", "-", "...", "%PASSWORD%", " changeme "} {
		assert.True(t, isPlaceholder(text), text)
	}
	for _, text := range []string{"", "x", "secret", "<a", "nonesuch", strings.Repeat("x", maxJudged+1)} {
		assert.False(t, isPlaceholder(text), text)
	}
	assert.True(t, isReferenceText("a ${b#c} d"))
	assert.False(t, isReferenceText("$b ${} ${"))
}

// A value of any size is judged in bounded time.
func TestLongTextsAreJudgedByTheirBeginning(t *testing.T) {
	assert.False(t, isSecretText(strings.Repeat("x", maxJudged)+"-----BEGIN PRIVATE KEY-----"))
	assert.False(t, isReferenceText(strings.Repeat("x", maxJudged)+"${b}"))
}
