//go:build e2e && clients

package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/markdown"
)

var update = flag.Bool("update", false, "write what the clients saw into docs/clients.md")

// clientFailures has a request for each code of section 5 except Internal.
var clientFailures = []struct {
	code        codes.Code
	store, guid string
	text        string
}{
	{codes.NotFound, "credentials", "nowhere", `credential "nowhere": no such credential`},
	{codes.InvalidArgument, "credentials", "not.a.guid", "credential: malformed GUID"},
	{codes.FailedPrecondition, "credentials", "array", `credential "array": `},
	{codes.PermissionDenied, "credentials", "forbidden", `credential "forbidden": `},
	{codes.Unavailable, "unconnected", "good", `credential "good": `},
	{codes.DeadlineExceeded, "credentials", "fifo", `credential "fifo": `},
	{codes.ResourceExhausted, "credentials", "large", `credential "large": `},
}

// TestClients runs the programs that docs/clients.md shows, one for each language. Each
// requests a credential and every kind of failure through Dapr's SDK for its language.
func TestClients(t *testing.T) {
	t.Parallel()
	side := clientSidecar(t)
	seen, askers := make([]clientError, len(clients)), make([]asker, len(clients))
	for i, c := range clients {
		askers[i] = c.start(t, side)
	}
	t.Run("each", func(t *testing.T) {
		for i, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				requireCredential(t, c, askers[i])
				seen[i] = requireFailures(t, c, askers[i])
			})
		}
	})
	require.NoError(t, side.component.Stop())
	for i, c := range clients {
		failure := askers[i](t, clientRequest{Store: "credentials", GUID: "good", Whole: true}).Error
		require.Equal(t, codes.Unavailable.String(), failure.Code, "%s, without the component: %s", c.name, failure.Message)
		require.True(t, failure.Retry)
	}
	if !t.Failed() {
		requireDocument(t, seen)
	}
}

// clientSidecar starts stores with every kind of failure and one credential. A second Component
// answers with a single entry, for SDKs that keep only one.
func clientSidecar(t *testing.T) *sidecar {
	t.Helper()
	s, o := failingStores(t)
	s.secret(t, "analytics-db", map[string]string{"db_password_key": "s3cr3t €"})
	s.config(t, "analytics", `{"credentialSource":"agent","secret-path":"analytics-db","host":"db.example.com","port":5432,`+
		`"account":12345678901234567,"ratio":12.50,"nothing":null,"password":"db_password_key","extra":{"tls":true}}`)
	json := credentials("json", s.metadata(map[string]any{
		"storeTimeout": "2s", "responseFormat": "json", "allowedSecrets": allowedOfFailingStores,
	}))
	return startSidecar(t, o, append(failingComponents(s), json)...)
}

func requireCredential(t *testing.T, c clientProgram, ask asker) {
	t.Helper()
	store := "credentials"
	if c.oneEntry {
		store = "json"
	}
	whole := ask(t, clientRequest{Store: store, GUID: "analytics", Whole: true}).Credential
	require.JSONEq(t, `{"credentialSource":"agent","secret-path":"analytics-db","host":"db.example.com","port":5432,`+
		`"account":12345678901234567,"ratio":12.50,"nothing":null,"password":"s3cr3t €","extra":{"tls":true}}`, whole)
	require.Equal(t, !c.roundsIntegers, strings.Contains(whole, "12345678901234567"), whole)
	fields := ask(t, clientRequest{Store: "credentials", GUID: "analytics"}).Entries
	if c.oneEntry {
		require.Len(t, fields, 1, "the SDK now returns all entries: update docs/clients.md")
		return
	}
	require.Equal(t, map[string]string{
		"credentialSource": "agent", "secret-path": "analytics-db", "host": "db.example.com", "port": "5432",
		"account": "12345678901234567", "ratio": "12.50", "password": "s3cr3t €", "extra": `{"tls":true}`,
	}, fields)
	require.Equal(t, map[string]string{"password": "s3cr3t €", "extra.tls": "true"}, ask(t, clientRequest{
		Store: "credentials", GUID: "analytics", Metadata: map[string]string{"fields": "password,extra.tls"},
	}).Entries)
}

// requireFailures requests every kind of failure. It returns the first one as the SDK shows it.
func requireFailures(t *testing.T, c clientProgram, ask asker) (first clientError) {
	t.Helper()
	for i, test := range clientFailures {
		store := test.store
		if c.oneEntry && store == "credentials" {
			store = "json"
		}
		failure := ask(t, clientRequest{Store: store, GUID: test.guid, Whole: true}).Error
		if i == 0 {
			first = failure
		}
		require.Equal(t, test.code.String(), failure.Code, failure.Message)
		require.Contains(t, failure.Text, test.text)
		require.Equal(t, test.code == codes.Unavailable || test.code == codes.DeadlineExceeded, failure.Retry)
		require.Equal(t, first.Exception, failure.Exception, "the SDK must not distinguish kinds of failure")
		require.Equal(t, first.Status, failure.Status, "the SDK must not distinguish kinds of failure")
		requireNoCanary(t, failure.Message)
	}
	other := ask(t, clientRequest{Store: "nosuchstore", GUID: "good", Whole: true}).Error
	require.Equal(t, "Unknown", other.Code, "daprd's own errors have no code of ours: %s", other.Message)
	return first
}

// requireDocument compares the table in docs/clients.md with the observed errors.
func requireDocument(t *testing.T, seen []clientError) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| client | what it throws or returns | its status | its text |\n|---|---|---|---|\n")
	for i, c := range clients {
		status := seen[i].Status
		if status != "" {
			status = "`" + status + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", c.name, seen[i].Exception, status, seen[i].Message)
	}
	const document = "../../docs/clients.md"
	path := filepath.Join(t.TempDir(), "clients.md")
	if *update {
		path = document
	}
	require.NoError(t, markdown.Replace(document, "errors", b.String(), path))
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "make e2e-clients UPDATE=1 updates it")
}
