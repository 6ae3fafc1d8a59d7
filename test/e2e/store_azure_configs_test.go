//go:build e2e && cloud

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	azcontainer "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// storageCanary is the key of the account.
const storageCanary = "canary-of-azure-91be"

func startAzurite(t *testing.T, service string, tls bool) *harness.Azurite {
	t.Helper()
	of := harness.AzuriteServer{Service: service, Account: "credentialconfigs", Key: storageCanary, TLS: tls}
	a, err := harness.StartAzurite(t.Context(), binary(t, "AZURITE_"+strings.ToUpper(service), "azurite/node_modules/.bin/azurite-"+service), of)
	if a != nil {
		t.Cleanup(a.Remove)
	}
	require.NoError(t, err)
	return a
}

// azureCase returns the case of a config store on Azurite.
func azureCase(a *harness.Azurite, kind string, more map[string]any) configStoreCase {
	emulator := map[string]any{"configStore.accountKey": a.Key()}
	maps.Copy(emulator, more)
	return configStoreCase{
		kind: kind, server: a.Server, emulator: emulator, canaries: []string{storageCanary, a.Key()}, connectionless: true,
		refused: map[string]map[string]any{"wrong key": {"configStore.accountKey": base64.StdEncoding.EncodeToString([]byte("another"))}},
	}
}

// createContainer creates the container of configs, and returns a function that stores a blob.
func createContainer(t *testing.T, a *harness.Azurite) (put func(name, text string) error) {
	t.Helper()
	blobs, err := a.Blobs()
	require.NoError(t, err)
	_, err = blobs.CreateContainer(t.Context(), "credential-configs", nil)
	require.NoError(t, err)
	return func(name, text string) error {
		_, err := blobs.UploadBuffer(t.Context(), "credential-configs", name, []byte(text), nil)
		return err
	}
}

func TestCloudAzureBlobs(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", false)
	createContainer(t, a)
	azureCase(a, "state.azure.blobstorage", map[string]any{"configStore.endpoint": a.URL()}).run(t)
}

func TestCloudAzureBlobBinding(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", false)
	createContainer(t, a)
	azureCase(a, "bindings.azure.blobstorage", map[string]any{
		"configStore.accountKey": "", "configStore.connectionString": "BlobEndpoint=" + a.AccountURL() + ";AccountName=credentialconfigs;AccountKey=" + a.Key(),
	}).withoutRefused().run(t)
}

// withoutRefused returns the case without requests that the server refuses.
func (c configStoreCase) withoutRefused() configStoreCase {
	c.refused = nil
	return c
}

// TestCloudAzureBlobObjects asks for blobs that somebody else stored.
func TestCloudAzureBlobObjects(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", false)
	put := createContainer(t, a)
	name := func(guid string) string {
		return "persistent-artifacts/apps/myapp/credentials/" + guid + "/config.json"
	}
	c := azureCase(a, "bindings.azure.blobstorage", map[string]any{"configStore.endpoint": a.URL()})
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, map[string]any{"allowBulk": "true", "cacheTTL": "1h"}),
		c.component(t, "elsewhere", s, map[string]any{"configStore.containerName": "another-container"}))

	require.NoError(t, put(name("multi"), `{"host":"first"}`))
	for range 2 {
		require.Equal(t, "first", c.ask(t, side, "credentials", "multi", "refresh=true").entries["host"])
	}
	sentAgain := "an unchanged blob must not be sent again"
	require.Eventually(t, func() bool { return strings.Contains(a.Log(), " 304 ") }, patience, tick, sentAgain) // the log is late
	require.NoError(t, put(name("multi"), `{"host":"second"}`))
	require.Equal(t, "second", c.ask(t, side, "credentials", "multi", "refresh=true").entries["host"])

	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	require.NoError(t, put(name("huge"), `{"host":"`+strings.Repeat("x", 1<<20)+`"}`))
	c.sees(t, side, "over 1 MiB", "credentials", "huge", codes.FailedPrecondition)
	require.NoError(t, put(name("huge"), `{"host":"x"}`))

	var puts errgroup.Group
	puts.SetLimit(8)
	for i := range 1001 {
		puts.Go(func() error { return put(name(fmt.Sprintf("many-%d", i)), `{"host":"x"}`) })
	}
	require.NoError(t, puts.Wait())
	require.Len(t, strings.Fields(c.command(t, c.component(t, "credentials", s, nil), "list")), 1003)
	c.requireQuiet(t, side.component.Log())
}

// TestCloudAzureReadsWhatDaprdWrote stores configs with daprd's state API, and state with our command.
func TestCloudAzureReadsWhatDaprdWrote(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", false)
	for _, version := range []string{"v1", "v2"} {
		t.Run("blobs of "+version, func(t *testing.T) {
			c := azureCase(a, "state.azure.blobstorage", map[string]any{"configStore.endpoint": a.URL(), "configStore": "state.azure.blobstorage/" + version})
			requireDaprdAndWeAgree(t, c, resource{name: "state", kind: "state.azure.blobstorage", version: version, metadata: map[string]any{
				"accountName": "credentialconfigs", "accountKey": a.Key(), "containerName": "credential-configs", "endpoint": a.URL(),
			}}, `{"host":"db","port":1.50}`)
		})
	}
}

// requireDaprdAndWeAgree stores a config with each API of daprd, and reads it with ours; then the other
// way round. exact is what the gRPC API's config is when it is read.
func requireDaprdAndWeAgree(t *testing.T, c configStoreCase, state resource, exact string) {
	t.Helper()
	s := newStores(t)
	ours := c.component(t, "credentials", s, map[string]any{"configKey": "app||{guid}"})
	side := startSidecar(t, harness.ComponentOptions{}, ours, state)
	saveHTTP(t, side, "http", `{"host":"db","port":7}`)
	require.Equal(t, "db", c.ask(t, side, "credentials", "http").entries["host"])
	require.NoError(t, side.sdk(t).SaveState(t.Context(), "state", "grpc", []byte(`{"host":"db","port":1.50}`), nil))
	require.Equal(t, exact, c.ask(t, side, "credentials", "grpc", "format=json").entries["_value"])
	putInto(t, ours, t.TempDir(), "ours", `{"host":"ours","port":1.50}`)
	item, err := side.sdk(t).GetState(t.Context(), "state", "ours", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"host":"ours","port":1.50}`, string(item.Value))
	require.Equal(t, "grpc\nhttp\nours\n", c.command(t, ours, "list"))
	for _, guid := range []string{"grpc", "http", "ours"} {
		c.command(t, ours, "delete", guid)
	}
	c.requireQuiet(t, side.component.Log())
}

// tokensOfAzure is the endpoint of a managed identity. It returns its address.
func tokensOfAzure(t *testing.T, life time.Duration) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		token := part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
			"aud": strings.TrimSuffix(r.FormValue("resource"), "/"), "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
			"iat": now.Add(-time.Hour).Unix(), "nbf": now.Add(-time.Hour).Unix(), "exp": now.Add(life).Unix(),
		}) + ".c2lnbmF0dXJl"
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": token, "token_type": "Bearer", "resource": r.FormValue("resource"), "expires_on": fmt.Sprint(now.Add(time.Hour).Unix()),
		})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestCloudAzureIdentity has no key: the component gets tokens of a managed identity, and sends them over
// TLS.
func TestCloudAzureIdentity(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", true)
	put := createContainer(t, a)
	require.NoError(t, put("myapp||multi", `{"host":"db"}`))
	c := azureCase(a, "state.azure.blobstorage", map[string]any{"configStore.endpoint": a.URL()})
	delete(c.emulator, "configStore.accountKey")
	s := newStores(t)
	start := func(tokens string) *sidecar {
		return startSidecar(t, harness.ComponentOptions{Env: []string{
			"SSL_CERT_FILE=" + a.CAFile(), "IDENTITY_ENDPOINT=" + tokens, "IDENTITY_HEADER=" + storageCanary,
		}}, c.component(t, "credentials", s, map[string]any{"configStore.azureAuthMethods": "managedidentity"}))
	}
	side := start(tokensOfAzure(t, time.Hour))
	require.Equal(t, "db", c.ask(t, side, "credentials", "multi").entries["host"])
	c.requireQuiet(t, side.component.Log())

	side = start(tokensOfAzure(t, -time.Minute))
	r := c.ask(t, side, "credentials", "multi")
	assert.Equal(t, codes.PermissionDenied.String(), seenCode(t, r.message))
	c.requireQuiet(t, side.component.Log())
}

// TestCloudAzureSharedAccessSignature reads with a SAS that allows to read and to list.
func TestCloudAzureSharedAccessSignature(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "blob", false)
	put := createContainer(t, a)
	require.NoError(t, put("myapp||multi", `{"host":"db"}`))
	blobs, err := a.Blobs()
	require.NoError(t, err)
	signed := func(end time.Duration) map[string]any {
		began := time.Now().Add(-2 * time.Hour)
		address, err := blobs.ServiceClient().NewContainerClient("credential-configs").GetSASURL(
			sas.ContainerPermissions{Read: true, List: true}, time.Now().Add(end), &azcontainer.GetSASURLOptions{StartTime: &began})
		require.NoError(t, err)
		_, query, _ := strings.Cut(address, "?")
		return map[string]any{"configStore.connectionString": "BlobEndpoint=" + a.AccountURL() + ";SharedAccessSignature=" + query}
	}
	c := azureCase(a, "state.azure.blobstorage", nil)
	delete(c.emulator, "configStore.accountKey")
	c.canaries = append(c.canaries, "sig=")
	s := newStores(t)
	ours := c.component(t, "credentials", s, signed(time.Hour))
	side := startSidecar(t, harness.ComponentOptions{LogLevel: "debug"}, ours, c.component(t, "expired", s, signed(-time.Hour)))
	require.Equal(t, "db", c.ask(t, side, "credentials", "multi").entries["host"])
	require.Equal(t, "multi\n", c.command(t, ours, "list"))
	out, err := c.tryCommand(t, ours, "delete", "multi")
	require.Error(t, err)
	c.requireQuiet(t, out)
	require.Equal(t, codes.PermissionDenied.String(), seenCode(t, c.ask(t, side, "expired", "multi").message))
	require.NoError(t, a.Stop())
	require.Equal(t, codes.Unavailable.String(), seenCode(t, c.ask(t, side, "credentials", "multi").message))
	for _, canary := range c.canaries { // at this level, the log may have an address
		require.NotContains(t, side.component.Log(), canary)
	}
}
