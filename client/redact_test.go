package client_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/client"
	"credential-resolver/internal/canary"
)

// printed returns a value in every form in which an application may print it.
func printed(t testing.TB, v any) map[string]string {
	t.Helper()
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		forms[verb] = fmt.Sprintf(verb, v)
	}
	forms["Sprint"] = fmt.Sprint(v)
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"slog JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		"slog text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).Info("it", "v", v, slog.Group("g", "v", v), "list", []any{v})
		forms[name] = out.String()
	}
	text, err := json.Marshal(v)
	require.NoError(t, err)
	forms["json"] = string(text)
	if text, err = xml.Marshal(v); err == nil {
		forms["xml"] = string(text)
	}
	return forms
}

func TestACredentialPrintsAsAFixedWord(t *testing.T) {
	c := parse(t, `{"password":"`+canary.Secret+`","secret-path":"`+canary.Reference+`","extra":{"file":"`+canary.Path+`"}}`)
	extra, err := c.Extra()
	require.NoError(t, err)
	type job struct {
		credential client.Credential // unexported, so fmt does not call its methods
		Credential client.Credential
		pointer    *client.Credential
		Pointer    *client.Credential
		list       []client.Credential
		byName     map[string]client.Credential
		any        any
	}
	for name, v := range map[string]any{
		"a credential": c, "a pointer to one": &c, "extra": extra,
		"in a list": []client.Credential{c}, "in a map": map[string]any{"c": c},
		"in a struct":  job{c, c, &c, &c, []client.Credential{c}, map[string]client.Credential{"c": c}, c},
		"substituted":  client.ResolveCredentials(c, c),
		"in a pointer": &job{credential: c, pointer: &c, list: []client.Credential{c}, any: &c},
	} {
		for form, text := range printed(t, v) {
			t.Run(name+" "+form, func(t *testing.T) { canary.AssertNone(t, text) })
		}
	}
	assert.Equal(t, "[redacted]", c.String())
	assert.Equal(t, "[redacted]", c.GoString())
	assert.Equal(t, `"[redacted]"`, printed(t, c)["json"])
	assert.Equal(t, "[redacted]", printed(t, &c)["%+v"])
}

func TestAnErrorPrintsOnlyItsText(t *testing.T) {
	words := errors.New("failed getting secret with key " + canary.Reference + " from secret store secretstore: open /" +
		canary.Path + ": the value is " + canary.Secret)
	_, err := client.New(answering(nil, words), client.Options{}).GetSecret(t.Context(), canary.Reference, "")
	require.ErrorIs(t, err, client.ErrResolution)
	for form, text := range printed(t, struct {
		Err error
		err error
	}{err, err}) {
		t.Run("in a struct "+form, func(t *testing.T) { canary.AssertNone(t, text) })
	}
	for form, text := range printed(t, err) {
		t.Run(form, func(t *testing.T) { canary.AssertNone(t, text) })
	}
	canary.AssertNone(t, fmt.Errorf("wrapped: %w", err).Error())
	assertDiscreetChain(t, err)
	assert.Equal(t, words.Error(), failed(t, err).Detail(), "Detail returns the full text")
}

// assertDiscreetChain asserts that no error in the chain prints a canary.
func assertDiscreetChain(t testing.TB, err error) {
	t.Helper()
	canary.AssertNone(t, err.Error())
	switch wrapping := err.(type) { //nolint:errorlint // looks at each level
	case interface{ Unwrap() error }:
		if inner := wrapping.Unwrap(); inner != nil {
			assertDiscreetChain(t, inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapping.Unwrap() {
			assertDiscreetChain(t, inner)
		}
	}
}
