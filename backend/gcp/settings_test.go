package gcp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMetadataAreChecked(t *testing.T) {
	key := map[string]string{"private_key_id": "canary", "private_key": privateKey, "client_email": "canary"}
	with := func(name, value string) map[string]string {
		fields := map[string]string{name: value}
		for name, value := range key {
			if fields[name] == "" {
				fields[name] = value
			}
		}
		return fields
	}
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"no project":                 {map[string]string{"project_id": ""}, "project_id is missing"},
		"a project that cannot be":   {map[string]string{"project_id": "canary/x"}, "project_id is not the ID"},
		"a key without its ID":       {map[string]string{"private_key": "canary", "client_email": "canary"}, "belong together"},
		"an ID without its key":      {map[string]string{"private_key_id": "canary"}, "belong together"},
		"another type of identity":   {with("type", "external_account"), "type must be service_account"},
		"a key that is no PEM":       {with("private_key", "canary"), "private_key is not PEM text"},
		"PEM that is no key":         {with("private_key", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"), "private_key is not a private key"},
		"a plain token endpoint":     {with("token_uri", "http://canary"), "token_uri is not an address"},
		"a key for an emulator":      {with("endpoint", "http://canary:1"), "gets no credentials"},
		"a key for a plain address":  {with("endpoint", "canary:1"), "gets no credentials"},
		"an endpoint with a user":    {map[string]string{"endpoint": "https://canary@host"}, "endpoint is not an address"},
		"an endpoint with a path":    {map[string]string{"endpoint": "https://canary/path"}, "endpoint is not an address"},
		"an endpoint of another way": {map[string]string{"endpoint": "ftp://canary"}, "endpoint is not an address"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := test.fields["project_id"]; !ok {
				test.fields["project_id"] = "my-project"
			}
			err := prepare(test.fields)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, strings.ReplaceAll(err.Error(), test.want, ""), "canary")
		})
	}
	require.NoError(t, prepare(with("projectID", "my-project")))
	require.NoError(t, prepare(map[string]string{"project_id": "example.com:p", "endpoint": "https://secretmanager-x.p.googleapis.com/"}))
}

func TestEndpointIsAServer(t *testing.T) {
	for endpoint, want := range map[string]server{
		"":                       {"own.googleapis.com:443", false},
		"https://x.p.example":    {"x.p.example:443", false},
		"https://x.p.example:8/": {"x.p.example:8", false},
		"http://127.0.0.1:8432":  {"127.0.0.1:8432", true},
		"localhost:8432":         {"localhost:8432", true},
		"http://emulator":        {"emulator:80", true},
	} {
		require.Equal(t, want, settings{Endpoint: endpoint}.server("own.googleapis.com"), endpoint)
	}
}

func TestLineBreaksOfAKeyMayBeEscaped(t *testing.T) {
	escaped := settings{PrivateKeyID: "i", ClientEmail: "e", PrivateKey: strings.ReplaceAll(privateKey, "\n", `\n`)}
	require.NoError(t, escaped.checkKey())
	require.Equal(t, string(settings{PrivateKeyID: "i", ClientEmail: "e", PrivateKey: privateKey}.key()), string(escaped.key()))
}
