//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
	"credential-resolver/client/clienttest"
	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
)

// sixCalls starts a sidecar with every Component that package client uses, and a sidecar of
// clienttest with the same content.
func sixCalls(t *testing.T) (sdk dapr.Client, fake *clienttest.Sidecar) {
	t.Helper()
	s := newStores(t)
	fake = clienttest.New(t)
	for guid, text := range map[string]string{
		"db": `{"credentialSource":"agent","secret-path":"bundle","port":5432,"password":"pw_key","none":null}`,
		"no": `{"credentialSource":"agent","secret-path":"gone","password":"x"}`,
	} {
		s.config(t, guid, text)
		fake.Configs.Put(guid, text)
	}
	for name, entries := range map[string]map[string]string{
		"bundle": {"pw_key": "hunter2", "other": "x"}, "json": {"b": `{"n":1}`}, "single": {"value": "v"},
		"ATLAN_DEPLOYMENT_SECRETS": {"region": "eu", "x": "y"},
	} {
		s.secret(t, name, entries)
		fake.Secrets.Put(name, entries)
		fake.DeploymentSecrets.Put(name, entries)
	}
	file := func(name string) resource {
		return resource{name: name, kind: "secretstores.local.file", metadata: map[string]any{
			"secretsFile": s.path("secrets.json"), "multiValued": "true",
		}}
	}
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", s.metadata(nil)),
		file("secretstore"), file("deployment-secret-store"), saving("credentials-save", map[string]any{"store": "credentials"}))
	return side.sdk(t), fake
}

// TestClientCalls makes the calls of package client through a real daprd and through
// clienttest. Both must give the same answers and the same error texts.
func TestClientCalls(t *testing.T) {
	t.Parallel()
	sdk, fake := sixCalls(t)
	for name, d := range map[string]client.Dapr{"daprd": sdk, "clienttest": fake} {
		t.Run(name, func(t *testing.T) {
			c := client.New(d, client.Options{})
			db, err := c.GetCredentials(t.Context(), "db")
			require.NoError(t, err)
			text, err := db.Reveal()
			require.NoError(t, err)
			require.Equal(t, `{"credentialSource":"agent","secret-path":"bundle","port":5432,"password":"hunter2","none":null}`, string(text))

			secret, err := c.GetSecret(t.Context(), "json", "")
			require.NoError(t, err)
			require.Equal(t, []string{"n"}, secret.Names())
			_, err = c.GetSecret(t.Context(), "nowhere", "")
			requireFails(t, err, client.ErrNotFound, codes.NotFound)

			for key, want := range map[string]string{"region": "eu", "single": "v", "nothing": ""} {
				value, ok, err := c.GetDeploymentSecret(t.Context(), key)
				require.NoError(t, err)
				require.Equal(t, want, value)
				require.Equal(t, want != "", ok)
			}
			_, err = client.New(d, client.Options{DeploymentName: "local"}).SaveSecret(t.Context(), client.Credential{})
			requireFails(t, err, client.ErrDenied, codes.PermissionDenied)
			require.ErrorContains(t, err, "environment")
		})
	}
	for name, call := range map[string]func(client.Dapr) error{
		"no such credential": func(d client.Dapr) error { return got(d.GetSecret(t.Context(), "credentials", "nowhere", nil)) },
		"no bundle":          func(d client.Dapr) error { return got(d.GetSecret(t.Context(), "credentials", "no", nil)) },
		"a malformed GUID":   func(d client.Dapr) error { return got(d.GetSecret(t.Context(), "credentials", "a/b", nil)) },
		"unknown metadata": func(d client.Dapr) error {
			return got(d.GetSecret(t.Context(), "credentials", "db", map[string]string{"x": "y"}))
		},
		"no such store":     func(d client.Dapr) error { return got(d.GetSecret(t.Context(), "nowhere", "x", nil)) },
		"no such secret":    func(d client.Dapr) error { return got(d.GetSecret(t.Context(), "secretstore", "nowhere", nil)) },
		"saving refused":    func(d client.Dapr) error { return invoked(t, d, "credentials-save", "create") },
		"no such binding":   func(d client.Dapr) error { return invoked(t, d, "nowhere", "create") },
		"no such operation": func(d client.Dapr) error { return invoked(t, d, "credentials-save", "delete") },
	} {
		t.Run("the same error text: "+name, func(t *testing.T) {
			real := call(sdk)
			require.Error(t, real)
			require.EqualError(t, call(fake), real.Error())
		})
	}
}

func got(_ map[string]string, err error) error { return err }

func invoked(t *testing.T, d client.Dapr, name, operation string) error {
	_, err := d.InvokeBinding(t.Context(), &dapr.InvokeBindingRequest{Name: name, Operation: operation, Data: []byte("{}")})
	return err
}

// TestClientEnvironment stores the deployment's configuration in daprd's environment. For a
// missing variable, daprd returns an empty value.
func TestClientEnvironment(t *testing.T) {
	t.Setenv("CLIENT_TEST_REGION", "eu")
	side := startSidecar(t, harness.ComponentOptions{}, resource{name: "deployment-secret-store", kind: "secretstores.local.env"})
	c := client.New(side.sdk(t), client.Options{})
	for key, want := range map[string]string{"CLIENT_TEST_REGION": "eu", "CLIENT_TEST_NOTHING": ""} {
		value, ok, err := c.GetDeploymentSecret(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, value)
		require.Equal(t, want != "", ok)
	}
}

// TestClientSaves saves through the shipped Component for development.
func TestClientSaves(t *testing.T) {
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), Env: []string{"XDG_DATA_HOME=" + t.TempDir()}}
	side := &sidecar{component: startComponent(t, o), daprd: startDaprd(t, o.SocketFolder, "../../components/local")}
	c := client.New(side.sdk(t), client.Options{DeploymentName: "local"})
	const text = `{"z":12345678901234567890,"host":"localhost","port":5432,"password":"` + canary.Secret + `"}`
	config, err := client.Parse([]byte(text))
	require.NoError(t, err)
	guids := map[string]bool{}
	for range 2 {
		guid, err := c.SaveSecret(t.Context(), config)
		require.NoError(t, err)
		guids[guid] = true
		saved, err := c.GetCredentials(t.Context(), guid)
		require.NoError(t, err)
		revealed, err := saved.Reveal()
		require.NoError(t, err)
		require.Equal(t, text, string(revealed), "the order of fields and the digits must be kept")
	}
	require.Len(t, guids, 2, "each config must have its own GUID")

	_, err = client.New(side.sdk(t), client.Options{CredentialBinding: "nowhere", DeploymentName: "local"}).SaveSecret(t.Context(), config)
	requireFails(t, err, client.ErrPrecondition, codes.FailedPrecondition)
	require.ErrorIs(t, err, client.ErrNoStore)
	requireNoCanary(t, side.component.Log())
}
