package client_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/client"
)

func TestSubstitutionIsPureAndExact(t *testing.T) {
	config := parse(t, `{"host":"db","password":"ref","not":"ref2","port":5432,"nested":{"x":"ref"},"extra":{"token":"ref","deep":{"x":"ref"}}}`)
	secrets := parse(t, `{"ref":"ref2","ref2":{"n":1},"5432":"no"}`)
	const want = `{"host":"db","password":"ref2","not":{"n":1},"port":5432,"nested":{"x":"ref"},"extra":{"token":"ref2","deep":{"x":"ref"}}}`
	before, beforeSecrets := reveal(t, config), reveal(t, secrets)
	assert.Equal(t, want, reveal(t, client.ResolveCredentials(config, secrets)))
	assert.Equal(t, want, reveal(t, client.ApplySecretValues(config, secrets)))
	assert.Equal(t, before, reveal(t, config))
	assert.Equal(t, beforeSecrets, reveal(t, secrets))
	assert.Equal(t, before, reveal(t, client.ApplySecretValues(config, client.Credential{})))
}

func TestSourceAndMode(t *testing.T) {
	for text, want := range map[string]struct {
		source client.CredentialSource
		mode   client.SecretMode
	}{
		`{}`:                            {client.SourceDirect, client.MultiKey},
		`{"credentialSource":"direct"}`: {client.SourceDirect, client.MultiKey},
		`{"credentialSource":"Agent"}`:  {client.SourceDirect, client.MultiKey},
		`{"credentialSource":"agent"}`:  {client.SourceAgent, client.SingleKey},
		`{"credentialSource":"agent","secret-path":""}`:  {client.SourceAgent, client.SingleKey},
		`{"credentialSource":"agent","secret-path":"x"}`: {client.SourceAgent, client.MultiKey},
	} {
		c := parse(t, text)
		assert.Equal(t, want.source, c.Source(), text)
		assert.Equal(t, want.mode, c.Mode(), text)
	}
	assert.Equal(t, "direct agent multi-key single-key",
		string(client.SourceDirect+" "+client.SourceAgent+" ")+string(client.MultiKey+" "+client.SingleKey))
}
