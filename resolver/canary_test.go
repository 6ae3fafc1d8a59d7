package resolver_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// texts are fmt's verbs for an error; others are those that a value is asked for
// besides. %p and %T are not among them: fmt asks nobody, and vet refuses the first.
var (
	texts  = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%60v", "%+.3v"}
	others = []string{"%d", "%t", "%U", "%b", "%o", "%e", "%c"}
)

// silent checks that nothing of a value can be read from any text made of it.
func silent(t *testing.T, what string, value any) {
	t.Helper()
	for _, verb := range others {
		tells(t, what+" as "+verb, fmt.Sprintf(verb, value))
	}
	silentText(t, what, value)
}

// silentText is silent for the verbs that suit an error.
func silentText(t *testing.T, what string, value any) {
	t.Helper()
	for _, verb := range texts {
		tells(t, what+" as "+verb, fmt.Sprintf(verb, value))
		tells(t, what+" in a slice as "+verb, fmt.Sprintf(verb, []any{value}))
	}
	tells(t, what+" by Sprint", fmt.Sprint(value))
	tells(t, what+" by Sprintln", fmt.Sprintln(value))
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("failed", "value", value)
	tells(t, what+" in a log of text", text.String())
}

// tells checks that a text holds no canary, be it in hex.
func tells(t *testing.T, what, text string) {
	t.Helper()
	for _, canary := range []string{"canary", hex.EncodeToString([]byte("canary"))} {
		assert.NotContains(t, strings.ToLower(text), canary, what)
	}
}

// silentError checks an error and each of our own that it wraps. What a store's
// own error at the end of the chain prints is not in our hands.
func silentError(t *testing.T, err error) {
	t.Helper()
	silentText(t, "the error", err)
	silentText(t, "the error, wrapped", fmt.Errorf("answer: %w", err))
	var text bytes.Buffer
	slog.New(slog.NewJSONHandler(&text, nil)).Error("failed", "err", err)
	tells(t, "the error in a log of JSON", text.String())
	var (
		ours   *credential.Error
		store  *credential.StoreError
		syntax *credential.SyntaxError
	)
	if errors.As(err, &ours) {
		silentText(t, "*Error", ours)
		tells(t, "Reason", ours.Reason)
		tells(t, "Store", ours.Store)
		silent(t, "Reference", ours.Reference)
	}
	if errors.As(err, &store) {
		silentText(t, "*StoreError", store)
	}
	if errors.As(err, &syntax) {
		silentText(t, "*SyntaxError", syntax)
	}
}

func TestErrorsHoldNoSecretReferencePathOrStoreWords(t *testing.T) {
	const (
		direct = `{"password":"` + canary.Literal + `"}`
		bundle = `{"credentialSource":"agent","secret-path":"` + canary.Path + `","a":"` + canary.Reference + `","b":"` + canary.Literal + `"}`
		marked = `{"credential-resolver":{"references":"explicit"},"a":"${` + canary.Path + `#` + canary.Reference + `|json}` + canary.Literal + `",` +
			`"b":[{"secretKeyRef":{"name":"` + canary.Reference + `","key":"` + canary.Reference + `"}}],"c":{"secretKeyRef":{"name":"` + guid + `","key":"` + canary.Secret + `"}}}`
		single = `{"credentialSource":"agent","a":"` + canary.Reference + `","extra":{"b":"` + canary.Literal + `"}}`
	)
	configs := map[string]string{"direct": direct, "agent with a bundle": bundle, "agent without one": single, "explicit": marked}
	try := func(name, config string, prepare func(*resolvertest.Stores)) {
		t.Run(name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, config)
			for _, name := range []string{guid, canary.Path, canary.Reference} {
				stores.Secrets.Put(name, map[string]string{canary.Reference: canary.Secret, canary.Secret: canary.Secret})
			}
			r := stores.Resolver()
			if prepare != nil {
				answer(t, r)
				prepare(stores)
			}
			silentError(t, failed(t, r))
		})
	}
	for name, config := range configs {
		for _, kind := range []credential.Kind{
			credential.Internal, credential.InvalidRequest, credential.NotFound, credential.FailedPrecondition,
			credential.Denied, credential.Unavailable, credential.Timeout, credential.TooLarge,
		} {
			fail := resolvertest.Fail(&credential.StoreError{Kind: kind, Err: errors.New(canary.Words + canary.Secret)})
			try(name+": the config store says "+kind.Error(), config, func(s *resolvertest.Stores) { s.Configs.Before(guid, fail) })
			try(name+": the secret store says "+kind.Error(), config, func(s *resolvertest.Stores) { s.Secrets.Before(resolvertest.Any, fail) })
		}
		plain := resolvertest.Fail(fmt.Errorf("%s: %w", canary.Words, errors.New(canary.Secret)))
		try(name+": the config store fails", config, func(s *resolvertest.Stores) { s.Configs.Before(guid, plain) })
		try(name+": the secret store fails", config, func(s *resolvertest.Stores) { s.Secrets.Before(resolvertest.Any, plain) })
		try(name+": the secret store panics", config, func(s *resolvertest.Stores) {
			s.Secrets.Before(resolvertest.Any, resolvertest.Panic(canary.Words+canary.Secret))
		})
		try(name+": its secrets are gone", config, func(s *resolvertest.Stores) {
			for _, name := range []string{guid, canary.Path, canary.Reference} {
				s.Secrets.Delete(name)
			}
		})
	}
	for _, config := range []string{
		`"` + canary.Literal + `"`, `["` + canary.Literal + `"]`, canary.Literal, `{"` + canary.Literal + `":?`,
		`{"a":"` + canary.Literal + `"`, `{"a":"` + canary.Literal + "\xff" + `"}`, `{"a":"` + canary.Literal + `\ud800"}`,
		`{} ` + canary.Literal, `{"a":"` + canary.Literal + `` + "\n" + `"}`,
		`{"a":"` + canary.Literal + strings.Repeat("x", credential.MaxConfigSize) + `"}`,
		`{"secret-path":["` + canary.Path + `"]}`, `{"secret-path":{"` + canary.Path + `":1}}`,
		`{"credential-resolver":"` + canary.Literal + `"}`, `{"credential-resolver":{"` + canary.Literal + `":1}}`,
		`{"credential-resolver":{"secretStore":"` + canary.Literal + `"}}`,
		`{"credential-resolver":{"references":"` + canary.Literal + `"}}`,
		explicitly(`"a":"${` + canary.Reference + `"`), explicitly(`"a":"${` + canary.Reference + `|` + canary.Literal + `}"`),
		explicitly(`"a":"${` + canary.Reference + `#` + canary.Literal + `#}"`), explicitly(`"a":["${ ` + canary.Reference + `}"]`),
		explicitly(`"a":"${canary-absent#` + canary.Reference + `}"`), explicitly(`"a":"${` + canary.Path + `#canary-absent}"`),
		explicitly(`"a":"${` + canary.Path + `}"`), explicitly(`"a":{"secretKeyRef":"` + canary.Reference + `"}`),
		explicitly(`"a":{"secretKeyRef":{"name":"` + canary.Path + `","` + canary.Literal + `":1}}`),
		explicitly(`"a":{"secretKeyRef":{"name":"` + canary.Path + `","store":"` + canary.Literal + `"}}`),
		explicitly(`"a":{"secretKeyRef":{"name":["` + canary.Path + `"]}}`),
		explicitly(`"a":{"b":"` + canary.Literal + `","secretKeyRef":{"name":"` + canary.Path + `"}}`),
		`{"credentialSource":"agent","secret-path":"canary-absent","a":"` + canary.Reference + `"}`,
		`{"credentialSource":"agent","a":"` + canary.Literal + `"}`,
		`{"credentialSource":"agent","secret-path":"` + canary.Path + `","a":"` + canary.Literal + `"}`,
	} {
		try("a config that cannot be resolved", config, nil)
	}
}

func TestSecretsAreRedactedWhenPrinted(t *testing.T) {
	text := credential.StringValue(canary.Secret)
	read := resolvertest.Parse(t, `{"canary-name":"`+canary.Secret+`","o":{"p":"`+canary.Secret+`"},"a":["`+canary.Secret+`"]}`)
	entries, err := credential.Entries(map[string]string{"a": canary.Secret, "b": canary.Secret})
	require.NoError(t, err)
	for what, value := range map[string]any{
		"a string": text, "a pointer to one": &text, "a map": map[string]credential.Value{"a": text},
		"a field": credential.Field{Name: "a", Value: text}, "fields": []credential.Field{{Name: "a", Value: text}},
		"an object": read, "a pointer to an object": &read, "an object as a value": read.AsValue(),
		"a reference": credential.Reference(canary.Reference), "references": []credential.Reference{canary.Reference},
		"a credential": credential.Credential{GUID: guid, Fields: read},
		"secrets":      entries,
	} {
		silent(t, what, value)
		if what != "a reference" && what != "references" {
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			tells(t, what+" by encoding/json", string(encoded))
		}
	}
	credential := &credential.Credential{GUID: guid, Fields: read}
	for _, verb := range append(texts, others...) {
		tells(t, "a pointer to a credential as "+verb, fmt.Sprintf(verb, credential))
	}
	for _, v := range read.All() {
		silent(t, "a field's value", v)
		for _, element := range v.Elements() {
			silent(t, "an element", element)
		}
	}
}

func TestEncodingErrorHoldsNoValue(t *testing.T) {
	_, err := credential.StringValue(canary.Secret + "\xff").AppendJSON(nil)
	silentError(t, err)
	_, err = credential.NewObject(credential.Field{Name: canary.Secret + "\xff"}).AppendJSON(nil)
	silentError(t, err)
	_, err = credential.ParseObject([]byte(`{"` + canary.Secret + `":"` + canary.Secret + "\n"))
	silentError(t, err)
}
