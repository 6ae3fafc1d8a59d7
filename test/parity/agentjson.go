package main

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
)

// spec is a credential that version 3 gets with the workflow, as agent_json. Our component gets
// the same fields as a stored config.
type spec struct {
	row       string // in docs/migration.md
	guid      string
	fields    string // the JSON text
	down      bool   // the secret store is down
	field     string // of the credential
	theirs    string // its value as JSON, or the name of the error
	component string // ours
	ours      string // its value as JSON, or the code
}

// specs are the cases in which agent_json shows a rule.
var specs = []spec{
	{
		row: "a bundle has an entry with the name of the `host`", guid: "agent-bundle-host",
		fields: `{"agent-name":"a","secret-path":"hosts","host":"db-host"}`,
		field:  "host", theirs: `"db-host"`, component: byDefault, ours: `"10.0.0.1"`,
	},
	{
		row: "one secret per field, and a secret has the name of the `host`", guid: "agent-host",
		fields: `{"agent-name":"a","key-type":"single-key","host":"db-host"}`,
		field:  "host", theirs: `"db-host"`, component: byDefault, ours: `"db-host"`,
	},
	{
		row: "one secret per field, and the secret has one entry, with another name", guid: "agent-only-entry",
		fields: `{"agent-name":"a","key-type":"single-key","password":"crm-api-key"}`,
		field:  "password", theirs: `"{\"value\":\"ak_live_sample_7f3a\"}"`, component: byDefault, ours: `"ak_live_sample_7f3a"`,
	},
	{
		row: "one secret per field, and a secret is missing", guid: "agent-missing",
		fields: `{"agent-name":"a","key-type":"single-key","password":"nothing"}`,
		field:  "password", theirs: `"nothing"`, component: byDefault, ours: `"nothing"`,
	},
	{
		row: "the bundle is missing", guid: "agent-no-bundle",
		fields: `{"agent-name":"a","secret-path":"nothing"}`,
		theirs: "CredentialNotFoundError", component: byDefault, ours: codes.NotFound.String(),
	},
	{
		row: "the bundle is no JSON object", guid: "agent-odd-bundle",
		fields: `{"agent-name":"a","secret-path":"odd","password":"odd"}`,
		field:  "password", theirs: "CredentialParseError", component: byDefault, ours: `"text"`,
	},
	{
		row: "the store fails", guid: "agent-down", down: true,
		fields: `{"agent-name":"a","secret-path":"hosts"}`,
		theirs: "CredentialNotFoundError", component: "credentials-down", ours: codes.Unavailable.String(),
	},
}

// resolveSpec is a program of version 3. Its input are the names spec, field and store.
const resolveSpec = `
from application_sdk.credentials.agent import resolve_agent_json
from application_sdk.infrastructure import AsyncDaprClient, DaprSecretStore

async with AsyncDaprClient(retries=0) as client:
    try:
        result = (await resolve_agent_json(spec, DaprSecretStore(client, store)))[field]
    except Exception as error:
        result = {"error": type(error).__name__}
`

// stored returns the spec as a config.
func (s spec) stored() testCase {
	return testCase{guid: s.guid, config: s.fields[:len(s.fields)-1] + `,"credentialSource":"agent"}`, hasConfig: true}
}

// trySpecs checks that both sides behave as docs/migration.md says of agent_json.
func (p *testbed) trySpecs(ctx context.Context, out io.Writer) error {
	for _, s := range specs {
		store := "secretstore"
		if s.down {
			store = "secretstore-down"
		}
		input := fmt.Sprintf("spec, field, store = %s, %s, %s", encode(s.fields), encode(s.field), encode(store))
		answer, err := p.original.snippet(input, resolveSpec)
		if err != nil {
			return fmt.Errorf("%s: %w", s.row, err)
		}
		theirs := encode(answer)
		if failure, ok := answer.(*object); ok {
			name, _ := failure.get("error")
			theirs = fmt.Sprint(name)
		}
		ours, text, err := p.ask(ctx, s.component, s.guid)
		if err != nil {
			return err
		}
		got := ours.code
		if !ours.failed() {
			value, _ := ours.credential.get(s.field)
			got = encode(value)
		}
		if theirs != s.theirs || got != s.ours {
			return fmt.Errorf("%s: the original: %s, ours: %s", s.row, theirs, text)
		}
		_, _ = fmt.Fprintln(out, "agent_json, as the page says:", s.row)
	}
	return nil
}
