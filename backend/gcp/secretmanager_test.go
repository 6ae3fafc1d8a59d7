package gcp

import (
	"strings"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestSecretIsItsPayload(t *testing.T) {
	m, conn := newManager(t)
	for name, data := range map[string]string{
		"text": "pw", "object": `{"u":"a","n":1.50}`, "empty": "", "bytes": "\x00\xff", "large": strings.Repeat("x", 64<<10),
	} {
		m.Put(name, data)
		entries, err := conn.Get(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, map[string]string{name: data}, entries)
		header, asked := m.Last()
		require.Equal(t, "projects/my-project/secrets/"+name+"/versions/latest", asked)
		require.Equal(t, []string{"name=projects%2Fmy-project%2Fsecrets%2F" + name + "%2Fversions%2Flatest"}, header.Get("x-goog-request-params"))
	}
}

func TestSecretOfAnotherProjectHasItsOwnName(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "pw")
	entries, err := conn.Get(t.Context(), "projects/my-project/secrets/db")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"db": "pw"}, entries)
	_, err = conn.Get(t.Context(), "projects/other/secrets/db")
	storetest.RequireKind(t, credential.NotFound, err)
	_, asked := m.Last()
	require.Equal(t, "projects/other/secrets/db/versions/latest", asked)
}

func TestVersionOfASecretIsANumberOrAnAlias(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "first")
	m.Put("db", "second")
	m.Alias("db", "blue", 1)
	for version, want := range map[string]string{"1": "first", "2": "second", "blue": "first", "latest": "second"} {
		require.NoError(t, checkSecretVersion(version))
		entries, err := conn.GetVersion(t.Context(), "db", version)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"db": want}, entries)
	}
	for _, version := range []string{"", "0", "-1", "01", "1a", "a b", "a/b", "é", strings.Repeat("x", 64)} {
		require.Equal(t, errSecretVersion, checkSecretVersion(version), version)
	}
}

func TestStatesOfAVersion(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "canary")
	m.SetState("db", 1, secretmanagerpb.SecretVersion_DISABLED)
	_, err := conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.FailedPrecondition, err)
	require.ErrorIs(t, err, errDisabled)
	m.SetState("db", 1, secretmanagerpb.SecretVersion_DESTROYED)
	_, err = conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.NotFound, err)
}

func TestWrongChecksumIsNoSecret(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "canary")
	m.SendWrongChecksums()
	_, err := conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Unavailable, err)
}

func TestAnswerOverItsLimitIsNoSecret(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", strings.Repeat("x", maxSecretAnswer))
	_, err := conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Unavailable, err)
}

// https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
func TestNamesOfSecretManager(t *testing.T) {
	_, conn := newManager(t)
	for _, name := range []string{"db", "DB_1-a", "1", strings.Repeat("x", 255), "projects/p-1/secrets/db", "projects/example.com:p/secrets/db"} {
		require.True(t, validSecretName(name), name)
	}
	for _, name := range []string{
		"", "a b", "a/b", "/db", "db.example.com", "db:5432", "https://x", "p$", "é", "a\nb", strings.Repeat("x", 256), "projects/p/secrets/",
		"projects/p/secrets/a/versions/1", "projects/../secrets/a", "projects/P/secrets/a", "x/projects/p/secrets/a",
	} {
		require.False(t, validSecretName(name), name)
		_, err := conn.Get(t.Context(), name)
		require.ErrorIs(t, err, errSecretName, "a stated name")
	}
}

func TestEmulatorGetsNoCredentials(t *testing.T) {
	m, err := gcptest.NewSecretManager(nil, "")
	require.NoError(t, err)
	t.Cleanup(m.Stop)
	m.Put("db", "pw")
	conn := connected(t, SecretManager(), map[string]string{"project_id": gcptest.Project, "endpoint": "http://" + m.Address})
	_, err = conn.Get(t.Context(), "db")
	require.NoError(t, err)
	header, _ := m.Last()
	require.Empty(t, header.Get("authorization"))
}

func TestCertificateOfAnEndpointIsChecked(t *testing.T) {
	other, err := gcptest.NewAuthority()
	require.NoError(t, err)
	m, err := gcptest.NewSecretManager(other.Server, keyToken)
	require.NoError(t, err)
	t.Cleanup(m.Stop)
	conn := connected(t, SecretManager(), keyed(t, map[string]string{"endpoint": "https://" + m.Address}))
	_, err = conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.ErrorIs(t, err, errNoConnection)
}

func TestServiceThatIsBackIsAskedSoon(t *testing.T) {
	m, conn := newManager(t)
	m.Put("db", "pw")
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	m.Stop()
	_, err = conn.Get(t.Context(), "db")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.NoError(t, m.Start())
	require.Eventually(t, func() bool {
		_, err := conn.Get(t.Context(), "db")
		return err == nil
	}, storetest.Long, storetest.Tick)
}

func TestFieldsOfSecretManager(t *testing.T) {
	for _, name := range []string{
		"project_id", "projectID", "type", "private_key_id", "privateKeyID", "private_key", "client_email", "token_uri", "client_x509_cert_url", "endpoint",
	} {
		_, _, err := store.Lookup(store.Spec{Type: "x", Fields: map[string]string{name: ""}}, map[string]store.Type[store.SecretConn]{
			"x": {Fields: SecretManager().Fields},
		})
		require.NoError(t, err, name)
	}
	require.NotContains(t, SecretManager().Fields, "Common")
}

func TestPolicyAllowsEachSecretAlone(t *testing.T) {
	_, conn := newManager(t)
	p, err := conn.Policy(t.Context(), []string{"a b", "crm", "projects/other/secrets/db"})
	require.NoError(t, err)
	require.Equal(t, []string{"a b"}, p.LeftOut)
	require.Equal(t, `# The identity of the component:
MEMBER="serviceAccount:NAME@my-project.iam.gserviceaccount.com"
gcloud secrets add-iam-policy-binding crm --project=my-project \
  --member="$MEMBER" --role=roles/secretmanager.secretAccessor --condition=None
gcloud secrets add-iam-policy-binding db --project=other \
  --member="$MEMBER" --role=roles/secretmanager.secretAccessor --condition=None
`, p.Text)
}
