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

// texts are fmt's verbs for an error. others are further verbs that ask a value for its text.
// %p and %T do not ask the value, and vet rejects %p here.
var (
	texts  = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%60v", "%+.3v"}
	others = []string{"%d", "%t", "%U", "%b", "%o", "%e", "%c"}
)

// assertRedacted checks that no text made from a value contains a secret.
func assertRedacted(t *testing.T, what string, value any) {
	t.Helper()
	for _, verb := range others {
		assertNoCanary(t, what+" as "+verb, fmt.Sprintf(verb, value))
	}
	assertRedactedText(t, what, value)
}

// assertRedactedText is silent for the verbs that suit an error.
func assertRedactedText(t *testing.T, what string, value any) {
	t.Helper()
	for _, verb := range texts {
		assertNoCanary(t, what+" as "+verb, fmt.Sprintf(verb, value))
		assertNoCanary(t, what+" in a slice as "+verb, fmt.Sprintf(verb, []any{value}))
	}
	assertNoCanary(t, what+" by Sprint", fmt.Sprint(value))
	assertNoCanary(t, what+" by Sprintln", fmt.Sprintln(value))
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("failed", "value", value)
	assertNoCanary(t, what+" in a log of text", text.String())
}

// assertNoCanary checks that a text contains no canary, not even in hex.
func assertNoCanary(t *testing.T, what, text string) {
	t.Helper()
	for _, canary := range []string{"canary", hex.EncodeToString([]byte("canary"))} {
		assert.NotContains(t, strings.ToLower(text), canary, what)
	}
}

// assertRedactedError checks an error and each of our errors that it wraps. It does not check the
// store's own error at the end of the chain.
func assertRedactedError(t *testing.T, err error) {
	t.Helper()
	assertRedactedText(t, "the error", err)
	assertRedactedText(t, "the error, wrapped", fmt.Errorf("answer: %w", err))
	var text bytes.Buffer
	slog.New(slog.NewJSONHandler(&text, nil)).Error("failed", "err", err)
	assertNoCanary(t, "the error in a log of JSON", text.String())
	var (
		ours   *credential.Error
		store  *credential.StoreError
		syntax *credential.SyntaxError
	)
	if errors.As(err, &ours) {
		assertRedactedText(t, "*Error", ours)
		assertNoCanary(t, "Reason", ours.Reason)
		assertNoCanary(t, "Store", ours.Store)
		assertRedacted(t, "Reference", ours.Reference)
	}
	if errors.As(err, &store) {
		assertRedactedText(t, "*StoreError", store)
	}
	if errors.As(err, &syntax) {
		assertRedactedText(t, "*SyntaxError", syntax)
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
			assertRedactedError(t, failed(t, r))
		})
	}
	for name, config := range configs {
		for _, kind := range []credential.Kind{
			credential.Internal, credential.InvalidRequest, credential.NotFound, credential.FailedPrecondition,
			credential.Denied, credential.Unavailable, credential.Timeout, credential.TooLarge,
		} {
			fail := resolvertest.Fail(&credential.StoreError{Kind: kind, Err: errors.New(canary.Words + canary.Secret)})
			try(name+": the config store reports "+kind.Error(), config, func(s *resolvertest.Stores) { s.Configs.Before(guid, fail) })
			try(name+": the secret store reports "+kind.Error(), config, func(s *resolvertest.Stores) { s.Secrets.Before(resolvertest.Any, fail) })
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
		assertRedacted(t, what, value)
		if what != "a reference" && what != "references" {
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			assertNoCanary(t, what+" by encoding/json", string(encoded))
		}
	}
	credential := &credential.Credential{GUID: guid, Fields: read}
	for _, verb := range append(texts, others...) {
		assertNoCanary(t, "a pointer to a credential as "+verb, fmt.Sprintf(verb, credential))
	}
	for _, v := range read.All() {
		assertRedacted(t, "a field's value", v)
		for _, element := range v.Elements() {
			assertRedacted(t, "an element", element)
		}
	}
}

func TestEncodingErrorHoldsNoValue(t *testing.T) {
	_, err := credential.StringValue(canary.Secret + "\xff").AppendJSON(nil)
	assertRedactedError(t, err)
	_, err = credential.NewObject(credential.Field{Name: canary.Secret + "\xff"}).AppendJSON(nil)
	assertRedactedError(t, err)
	_, err = credential.ParseObject([]byte(`{"` + canary.Secret + `":"` + canary.Secret + "\n"))
	assertRedactedError(t, err)
}
