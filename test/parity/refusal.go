package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
)

// A credential that refers to nothing.
const (
	literalGUID = "literals"
	literal     = `{"credentialSource":"agent","host":"db.example.com","password":"gone"}`
)

// refusals are the departures that generated credentials cannot show: the original returns the
// config unchanged, and our component refuses.
var refusals = []struct{ departure, originals, store, code string }{
	{"a store that fails is an error, not literals", "secretstore-down", "credentials-down", codes.Unavailable.String()},
	{
		"an agent credential in which nothing was replaced is an error, unless unresolved is allow",
		"secretstore", "credentials-strict", codes.FailedPrecondition.String(),
	},
}

// tryRefusals checks that both sides behave as these departures say.
func (p *testbed) tryRefusals(ctx context.Context, out io.Writer) error {
	config, err := outcomeOf(literal)
	if err != nil {
		return err
	}
	for _, r := range refusals {
		theirs, err := p.askOriginal(ctx, r.originals, literalGUID)
		if err != nil || !equal(theirs, config.credential, false) {
			return fmt.Errorf("%s: the original answers otherwise: %s, %w", r.departure, encode(theirs), err)
		}
		ours, text, err := p.ask(ctx, r.store, literalGUID)
		if err != nil {
			return err
		}
		if ours.code != r.code {
			return fmt.Errorf("%s: we answer otherwise: %s", r.departure, text)
		}
		_, _ = fmt.Fprintln(out, "different as it should be:", r.departure)
	}
	return nil
}

// misuses are the answers of version 3 when its secret store is our component. It reports no
// error, but each answer is wrong. An empty want means that the field is absent.
var misuses = []struct{ row, store, guid, field, want string }{
	{"the component's store is down", "credentials-down", "warehouse", "password", ""},
	{"a config with numbers", cached, "warehouse", "port", `"5439"`},
	{"a config with a secret-path", cached, "analytics-db", "password", `"db_password_key"`},
	{"a config with one secret per field", cached, "crm-api", "api_key", `"crm-api-key"`},
}

// askForName is a program of version 3 that gets a credential of our component by its name.
const askForName = `
from application_sdk.credentials import CredentialRef, CredentialResolver
from application_sdk.infrastructure import AsyncDaprClient, DaprSecretStore

async with AsyncDaprClient(retries=0) as client:
    resolver = CredentialResolver(DaprSecretStore(client, "credentials-down"))
    try:
        result = await resolver.resolve_raw(CredentialRef(name="warehouse"))
    except Exception as error:
        result = [type(error).__name__, error.effective_retryable]
`

// misuseByName is what that program shows: our Unavailable becomes an error that nobody retries.
var misuseByName = struct{ row, want string }{
	"the component's store is down, and `CredentialResolver` gets a `name`", `["CredentialNotFoundError",false]`,
}

// tryMisuses checks that version 3 behaves as docs/migration.md says when its secret store is
// our component.
func (p *testbed) tryMisuses(ctx context.Context, out io.Writer) error {
	for _, m := range misuses {
		theirs, err := p.askOriginal(ctx, m.store, m.guid)
		if err != nil {
			return fmt.Errorf("%s: %w", m.row, err)
		}
		got := ""
		if value, ok := theirs.get(m.field); ok {
			got = encode(value)
		}
		if got != m.want {
			return fmt.Errorf("%s: want %s in %q, got %s", m.row, m.want, m.field, got)
		}
		_, _ = fmt.Fprintln(out, "wrong with our component as its secret store, as the page says:", m.row)
	}
	switch answer, err := p.original.snippet(askForName); {
	case err != nil:
		return fmt.Errorf("%s: %w", misuseByName.row, err)
	case encode(answer) != misuseByName.want:
		return fmt.Errorf("%s: %s", misuseByName.row, encode(answer))
	}
	_, _ = fmt.Fprintln(out, "wrong with our component as its secret store, as the page says:", misuseByName.row)
	return nil
}

// askOriginal starts another process of the original with this secret store, and requests a
// credential.
func (p *testbed) askOriginal(ctx context.Context, store, guid string) (*object, error) {
	process, err := p.startOriginal(ctx, "production", "SECRET_STORE_NAME="+store)
	if err != nil {
		return nil, err
	}
	defer process.stop()
	answer, err := process.ask(originalRequest{Call: "resolve", GUID: guid})
	if err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	o, err := outcomeOf(answer.Value)
	return o.credential, err
}
