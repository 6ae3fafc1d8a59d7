//go:build e2e && cloud

package e2e

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// awsCanary is in the value of every secret, and in the keys of the component.
const awsCanary = "canary-of-aws-5d2c"

// awsStore is moto, configs in a folder, and what the application got.
type awsStore struct {
	*harness.Moto

	row     string // the type of the secret store, and its name in the matrix
	configs *stores
	side    *sidecar
	seen    []string // the error texts that the application got
}

func startAWS(t *testing.T, storeType string) *awsStore {
	t.Helper()
	t.Parallel()
	return &awsStore{Moto: startMoto(t), row: storeType, configs: newStores(t)}
}

func startMoto(t *testing.T) *harness.Moto {
	t.Helper()
	moto, err := harness.StartMoto(t.Context(), binary(t, "MOTO", "moto/bin/moto_server"))
	if moto != nil {
		t.Cleanup(moto.Remove)
	}
	require.NoError(t, err)
	return moto
}

func (a *awsStore) component(name string, changes map[string]any) resource {
	metadata := map[string]any{
		"configStore": "bindings.localstorage", "configStore.rootPath": a.configs.path("configs"), "configKey": "{guid}.json",
		"secretStore": a.row, "secretStore.region": harness.MotoRegion, "secretStore.endpoint": a.URL(),
		"secretStore.accessKey": "AKIACANARY", "secretStore.secretKey": awsCanary,
	}
	maps.Copy(metadata, changes)
	return credentials(name, metadata)
}

func (a *awsStore) start(t *testing.T, resources ...resource) {
	t.Helper()
	a.side = startSidecar(t, harness.ComponentOptions{}, resources...)
}

func (a *awsStore) ask(t *testing.T, component, guid string) (map[string]string, string) {
	t.Helper()
	entries, failure := a.side.get(t, component, guid)
	a.seen = append(a.seen, failure)
	return entries, failure
}

func (a *awsStore) answers(t *testing.T, component, guid string) map[string]string {
	t.Helper()
	entries, failure := a.ask(t, component, guid)
	require.Empty(t, failure)
	return entries
}

func (a *awsStore) fails(t *testing.T, component, guid, what string, code codes.Code) {
	t.Helper()
	entries, failure := a.ask(t, component, guid)
	require.Empty(t, entries)
	seen := seenCode(t, failure)
	sees(t, a.row, what, seen)
	require.Equal(t, code.String(), seen, what)
}

func (a *awsStore) requireSilence(t *testing.T) {
	t.Helper()
	require.NotContains(t, strings.Join(a.seen, "\n")+a.side.component.Log(), awsCanary)
}

// stops stops the service, and asks until it is there again.
func (a *awsStore) stops(t *testing.T, guid string, again func()) {
	t.Helper()
	require.NoError(t, a.Stop())
	a.fails(t, "c", guid, "unreachable", codes.Unavailable)
	require.NoError(t, a.Restart(t.Context()))
	again()
	require.Eventually(t, func() bool {
		_, failure := a.ask(t, "c", guid)
		return failure == ""
	}, patience, tick)
	sees(t, a.row, "reachable again", codes.OK.String())
}

func TestCloudSecretsManager(t *testing.T) {
	a := startAWS(t, "secretstores.aws.secretmanager")
	put := func() {
		require.NoError(t, a.PutSecret(t.Context(), "team/db", `{"user":"reader","password":"`+awsCanary+`","port":5432}`))
		require.NoError(t, a.PutSecret(t.Context(), "api-key", awsCanary))
	}
	put()
	_, err := a.Secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("binary"), SecretBinary: []byte{0, 255}})
	require.NoError(t, err)
	require.NoError(t, a.PutSecret(t.Context(), "rotated", "first"))
	_, err = a.Secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("rotated"), SecretString: aws.String("second")})
	require.NoError(t, err)
	require.NoError(t, a.PutSecret(t.Context(), "deleted", awsCanary))
	deleted, err := a.Secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("deleted")})
	require.NoError(t, err)
	a.configs.config(t, "bundle", `{"credentialSource":"agent","secret-path":"team/db","user":"user","password":"password","port":"port"}`)
	a.configs.config(t, "single", `{"credentialSource":"agent","api_key":"api-key","password":"p@ss: word","host":"db.example.com:5432"}`)
	a.configs.config(t, "direct", `{"credentialSource":"direct"}`)
	require.NoError(t, a.PutSecret(t.Context(), "direct", `{"user":"reader","password":"`+awsCanary+`"}`))
	a.configs.config(t, "explicit", `{"credential-resolver":{"references":"explicit"},
		"old":{"secretKeyRef":{"name":"rotated","version":"AWSPREVIOUS"}},"now":"${rotated}","bytes":"${binary}",
		"arn":{"secretKeyRef":{"name":"`+*deleted.ARN+`","default":"deleted"}}}`)
	a.configs.config(t, "no-stage", `{"credential-resolver":{"references":"explicit"},"x":{"secretKeyRef":{"name":"rotated","version":"AWSPENDING"}}}`)
	for _, name := range []string{"missing", "deleted"} {
		a.configs.config(t, "bundle-"+name, `{"credentialSource":"agent","secret-path":"`+name+`","password":"password"}`)
		a.configs.config(t, "single-"+name, `{"credentialSource":"agent","api_key":"api-key","password":"`+name+`"}`)
	}
	a.start(t, a.component("c", nil), a.component("several", map[string]any{"secretStore.multipleKeyValuesPerSecret": "true"}))
	defer a.requireSilence(t)

	for _, component := range []string{"c", "several"} {
		got := a.answers(t, component, "bundle")
		require.Equal(t, []string{"reader", awsCanary, "5432"}, []string{got["user"], got["password"], got["port"]})
		got = a.answers(t, component, "single")
		require.Equal(t, []string{awsCanary, "p@ss: word", "db.example.com:5432"}, []string{got["api_key"], got["password"], got["host"]})
		got = a.answers(t, component, "direct")
		require.Equal(t, []string{"reader", awsCanary}, []string{got["user"], got["password"]})
	}
	require.Equal(t, map[string]string{"old": "first", "now": "second", "bytes": "AP8=", "arn": "deleted"}, a.answers(t, "c", "explicit"))
	for _, name := range []string{"missing", "deleted"} {
		a.fails(t, "c", "bundle-"+name, "bundle "+name, codes.NotFound)
		require.Equal(t, name, a.answers(t, "c", "single-"+name)["password"], "want a literal")
		sees(t, a.row, "single-key "+name+": a literal", codes.OK.String())
	}
	a.fails(t, "c", "no-stage", "version of a reference: not there", codes.NotFound)
	a.stops(t, "bundle", put)
}

func TestCloudParameterStore(t *testing.T) {
	a := startAWS(t, "secretstores.aws.parameterstore")
	put := func() {
		require.NoError(t, a.PutParameter(t.Context(), "/team/db", `{"user":"reader","password":"`+awsCanary+`"}`))
		require.NoError(t, a.PutParameter(t.Context(), "/team/api-key", awsCanary))
	}
	put()
	require.NoError(t, a.PutParameter(t.Context(), "/team/rotated", "first"))
	require.NoError(t, a.PutParameter(t.Context(), "/team/rotated", "second"))
	_, err := a.Parameters.LabelParameterVersion(t.Context(), &ssm.LabelParameterVersionInput{
		Name: aws.String("/team/rotated"), ParameterVersion: aws.Int64(1), Labels: []string{"blue"},
	})
	require.NoError(t, err)
	a.configs.config(t, "bundle", `{"credentialSource":"agent","secret-path":"/team/db","user":"user","password":"password"}`)
	a.configs.config(t, "single", `{"credentialSource":"agent","api_key":"/team/api-key","password":"/team/none","host":"a/b"}`)
	a.configs.config(t, "below", `{"credentialSource":"agent","api_key":"api-key","password":"/team/api-key"}`)
	a.configs.config(t, "explicit", `{"credential-resolver":{"references":"explicit"},
		"old":{"secretKeyRef":{"name":"/team/rotated","version":1}},"blue":{"secretKeyRef":{"name":"/team/rotated","version":"blue"}},"now":"${/team/rotated}"}`)
	a.configs.config(t, "no-version", `{"credential-resolver":{"references":"explicit"},"x":{"secretKeyRef":{"name":"/team/rotated","version":9}}}`)
	a.configs.config(t, "bundle-missing", `{"credentialSource":"agent","secret-path":"/missing","password":"password"}`)
	a.start(t, a.component("c", nil), a.component("below", map[string]any{"secretStore.prefix": "/team/"}))
	defer a.requireSilence(t)

	got := a.answers(t, "c", "bundle")
	require.Equal(t, []string{"reader", awsCanary}, []string{got["user"], got["password"]})
	got = a.answers(t, "c", "single")
	require.Equal(t, []string{awsCanary, "/team/none", "a/b"}, []string{got["api_key"], got["password"], got["host"]})
	sees(t, a.row, "single-key missing: a literal", codes.OK.String())
	got = a.answers(t, "below", "below")
	require.Equal(t, []string{awsCanary, "/team/api-key"}, []string{got["api_key"], got["password"]}, "a name below the prefix has no slash in front")
	require.Equal(t, map[string]string{"old": "first", "blue": "first", "now": "second"}, a.answers(t, "c", "explicit"))
	a.fails(t, "c", "bundle-missing", "bundle missing", codes.NotFound)
	a.fails(t, "c", "no-version", "version of a reference: not there", codes.NotFound)
	a.stops(t, "bundle", put)
}
