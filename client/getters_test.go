package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/client"
)

const typed = `{
	"host": "db", "port": 5432, "port_text": "5433", "big": 12345678901234567890, "half": 0.50, "exp": 1e3,
	"ssl": true, "ssl_text": "false", "wait": "1m30s", "wait_s": 10, "wait_s_text": "1.5", "ever": "1e300", "longest": "9223372036.854775807", "nan": "NaN",
	"wide": "99999999999999999999",
	"nothing": null, "empty": "", "list": [1, 2], "a.b": "dotted",
	"extra": {"token": "t", "inner": {"n": 7}}, "extra_text": "{\"k\": \"v\"}"
}`

func TestGetters(t *testing.T) {
	c := parse(t, typed)
	text := func(f string) (any, error) { return c.Text(f) }
	integer := func(f string) (any, error) { return c.Int(f) }
	float := func(f string) (any, error) { return c.Float(f) }
	boolean := func(f string) (any, error) { return c.Bool(f) }
	duration := func(f string) (any, error) { return c.Duration(f) }
	object := func(f string) (any, error) {
		o, err := c.Object(f)
		return o.Names(), err
	}
	invalid, misfit := client.ErrInvalid, client.ErrPrecondition
	tests := []struct {
		get   func(string) (any, error)
		field string
		want  any // or the error
	}{
		{text, "host", "db"},
		{text, "port", "5432"},
		{text, "big", "12345678901234567890"},
		{text, "half", "0.50"},
		{text, "ssl", "true"},
		{text, "empty", ""},
		{text, "list", "[1,2]"},
		{text, "a.b", "dotted"},
		{text, "extra.token", "t"},
		{text, "extra.inner", `{"n":7}`},
		{text, "nothing", invalid},
		{text, "nowhere", invalid},
		{text, "host.x", invalid},
		{text, "extra.nowhere", invalid},
		{integer, "port", 5432},
		{integer, "port_text", 5433},
		{integer, "extra.inner.n", 7},
		{integer, "half", misfit},
		{integer, "exp", misfit},
		{integer, "big", misfit},
		{integer, "ssl", misfit},
		{integer, "host", misfit},
		{integer, "nowhere", invalid},
		{float, "half", 0.5},
		{float, "exp", 1000.0},
		{float, "port_text", 5433.0},
		{float, "list", misfit},
		{boolean, "ssl", true},
		{boolean, "ssl_text", false},
		{boolean, "port", misfit},
		{boolean, "host", misfit},
		{duration, "wait", 90 * time.Second},
		{duration, "wait_s", 10 * time.Second},
		{duration, "wait_s_text", 1500 * time.Millisecond},
		{duration, "ever", misfit},
		{duration, "longest", misfit},
		{duration, "nan", misfit},
		{integer, "wide", misfit},
		{duration, "host", misfit},
		{duration, "ssl", misfit},
		{object, "extra", []string{"token", "inner"}},
		{object, "extra.inner", []string{"n"}},
		{object, "extra_text", []string{"k"}},
		{object, "host", misfit},
		{object, "list", misfit},
		{object, "nowhere", invalid},
	}
	for _, test := range tests {
		got, err := test.get(test.field)
		if want, ok := test.want.(error); ok {
			require.ErrorIs(t, err, want, test.field)
			assert.ErrorContains(t, err, `"`+test.field+`"`)
			assert.Empty(t, got, test.field)
			continue
		}
		require.NoError(t, err, test.field)
		assert.Equal(t, test.want, got, test.field)
	}
}

func TestMissingFields(t *testing.T) {
	c := parse(t, typed)
	assert.Nil(t, c.Missing("host", "empty", "extra.token"))
	assert.Equal(t, []string{"username", "nothing", "extra.x"}, c.Missing("username", "host", "nothing", "extra.x"))
	assert.Equal(t, []string{"host"}, client.Credential{}.Missing("host"))
	assert.False(t, c.Has("nothing"))
}

func TestExtra(t *testing.T) {
	extra, err := parse(t, typed).Extra()
	require.NoError(t, err)
	assert.Equal(t, []string{"token", "inner"}, extra.Names())
	extra, err = parse(t, `{"extra":null}`).Extra()
	require.NoError(t, err)
	assert.Zero(t, extra.Len())
	_, err = parse(t, `{"extra":5}`).Extra()
	assert.ErrorIs(t, err, client.ErrPrecondition)
}

func TestACredentialKeepsOrderAndDigits(t *testing.T) {
	const text = `{"z":12.50,"a":{"b":1e21},"n":null,"s":"x"}`
	assert.Equal(t, text, reveal(t, parse(t, text)))
	c, err := client.Of(map[string]any{"b": 1, "a": []string{"x"}})
	require.NoError(t, err)
	assert.Equal(t, `{"a":["x"],"b":1}`, reveal(t, c))
	assert.Equal(t, `{}`, reveal(t, client.Credential{}))

	for _, text := range []string{``, `[1]`, `{"a":}`, "{\"a\":\"\xe9\"}"} {
		_, err := client.Parse([]byte(text))
		require.ErrorIs(t, err, client.ErrPrecondition, text)
	}
	for _, value := range []any{make(chan int), 5, nil} {
		_, err := client.Of(value)
		require.ErrorIs(t, err, client.ErrPrecondition)
	}
}

// An error about a part of a credential names the credential.
func TestThePartsOfACredentialHaveItsGUID(t *testing.T) {
	d := answering(map[string]string{"_value": `{"a":"ref","extra":{"n":"x"},"text":"{}"}`}, nil)
	c, err := client.New(d, client.Options{}).GetCredentials(t.Context(), "g-1")
	require.NoError(t, err)
	extra, err := c.Extra()
	require.NoError(t, err)
	object, err := c.Object("text")
	require.NoError(t, err)
	secrets := parse(t, `{"ref":"v"}`)
	for name, part := range map[string]client.Credential{
		"extra": extra, "an object in a text": object,
		"resolved": client.ResolveCredentials(c, secrets), "substituted": client.ApplySecretValues(c, secrets),
	} {
		assert.Equal(t, "g-1", part.GUID(), name)
	}
	_, err = extra.Int("n")
	assert.ErrorContains(t, err, `credential "g-1": its field "n"`)
}
