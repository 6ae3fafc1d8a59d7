//go:build e2e && cloud

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// createTable creates the table of configs, and returns an administrator's client of it.
func createTable(t *testing.T, a *harness.Azurite) *aztables.Client {
	t.Helper()
	tables, err := a.Tables()
	require.NoError(t, err)
	_, err = tables.CreateTable(t.Context(), "credentialconfigs", nil)
	require.NoError(t, err)
	return tables.NewClient("credentialconfigs")
}

func TestCloudAzureTables(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "table", false)
	createTable(t, a)
	azureCase(a, "state.azure.tablestorage", map[string]any{"configStore.serviceURL": a.AccountURL()}).run(t)
}

// TestCloudAzureTableEntities asks for entities that somebody else stored.
func TestCloudAzureTableEntities(t *testing.T) {
	t.Parallel()
	a := startAzurite(t, "table", false)
	table := createTable(t, a)
	c := azureCase(a, "state.azure.tablestorage", map[string]any{"configStore.serviceURL": a.AccountURL()})
	t.Run("of daprd", func(t *testing.T) {
		requireDaprdAndWeAgree(t, c, resource{name: "state", kind: "state.azure.tablestorage", metadata: map[string]any{
			"accountName": "credentialconfigs", "accountKey": a.Key(), "tableName": "credentialconfigs", "serviceURL": a.AccountURL(),
		}}, `{"host":"db","port":1.50}`)
	})
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, nil),
		c.component(t, "elsewhere", s, map[string]any{"configStore.tableName": "anothertable"}))
	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	put := func(guid, value string) error {
		_, err := table.UpsertEntity(t.Context(), []byte(`{"PartitionKey":"myapp","RowKey":"`+guid+`",`+value+`}`), nil)
		return err
	}
	require.NoError(t, put("number", `"Value":7`))
	c.sees(t, side, "stored by another program", "credentials", "number", codes.FailedPrecondition)
	require.NoError(t, put("other", `"Other":"{}"`))
	require.Equal(t, codes.FailedPrecondition.String(), seenCode(t, c.ask(t, side, "credentials", "other").message))

	file := filepath.Join(t.TempDir(), "long.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"host":"`+strings.Repeat("x", 33<<10)+`"}`), 0o600))
	out, err := c.tryCommand(t, c.component(t, "credentials", s, nil), "put", "--guid", "long", file)
	require.Error(t, err)
	require.Contains(t, out, "32,768 characters")

	var puts errgroup.Group
	puts.SetLimit(8)
	for i := range 1001 {
		puts.Go(func() error { return put(fmt.Sprintf("many-%d", i), `"Value":"{}"`) })
	}
	require.NoError(t, puts.Wait())
	require.Len(t, strings.Fields(c.command(t, c.component(t, "credentials", s, nil), "list")), 1003)
	c.requireQuiet(t, side.component.Log())
}

// startCosmos starts an emulator of Cosmos DB with the collection of configs.
func startCosmos(t *testing.T) (*harness.Cosmos, configStoreCase) {
	t.Helper()
	cosmos, err := harness.StartCosmos(t.Context(), binary(t, "COSMOSDB_SERVER", "cosmosdb/serve.js"))
	if cosmos != nil {
		t.Cleanup(cosmos.Remove)
	}
	require.NoError(t, err)
	c := configStoreCase{
		kind: "state.azure.cosmosdb", server: cosmos.Server, canaries: []string{harness.CosmosKey}, connectionless: true,
		metadata: map[string]any{"configStore.url": cosmos.URL()}, emulator: map[string]any{"configStore.masterKey": harness.CosmosKey},
	}
	c.create = func(t *testing.T) {
		require.NoError(t, cosmos.CreateCollection(t.Context(), "credentials", "configs", "/partitionKey"))
	}
	return cosmos, c
}

func TestCloudAzureCosmosDB(t *testing.T) {
	t.Parallel()
	_, c := startCosmos(t)
	c.run(t)
}

// TestCloudAzureCosmosDBItems asks for items that somebody else stored.
func TestCloudAzureCosmosDBItems(t *testing.T) {
	t.Parallel()
	cosmos, c := startCosmos(t)
	c.create(t)
	t.Run("of daprd", func(t *testing.T) {
		// Cosmos DB and daprd keep a number as JSON does.
		requireDaprdAndWeAgree(t, c, resource{name: "state", kind: "state.azure.cosmosdb", metadata: map[string]any{
			"url": cosmos.URL(), "masterKey": harness.CosmosKey, "database": "credentials", "collection": "configs",
		}}, `{"host":"db","port":1.5}`)
	})
	require.NoError(t, cosmos.CreateCollection(t.Context(), "credentials", "other-key", "/other"))
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, nil),
		c.component(t, "elsewhere", s, map[string]any{"configStore.collection": "another", "requestTimeout": "2s"}),
		c.component(t, "other-key", s, map[string]any{"configStore.collection": "other-key", "requestTimeout": "2s"}))
	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	c.sees(t, side, "another key", "other-key", "multi", codes.Unavailable)
	collection, err := cosmos.Account.NewContainer("credentials", "configs")
	require.NoError(t, err)
	put := func(guid, value string) error {
		key := "myapp||" + guid
		_, err := collection.UpsertItem(t.Context(), azcosmos.NewPartitionKeyString(key), []byte(`{"id":"`+key+`","partitionKey":"`+key+`",`+value+`}`), nil)
		return err
	}
	require.NoError(t, put("other", `"data":{}`))
	c.sees(t, side, "stored by another program", "credentials", "other", codes.FailedPrecondition)
	require.NoError(t, put("huge", `"value":{"host":"`+strings.Repeat("x", 1<<20)+`"}`))
	c.sees(t, side, "over 1 MiB", "credentials", "huge", codes.FailedPrecondition)
	for i := range 1001 {
		require.NoError(t, put(fmt.Sprintf("many-%d", i), `"value":{}`))
	}
	require.Len(t, strings.Fields(c.command(t, c.component(t, "credentials", s, nil), "list")), 1003)
	c.requireQuiet(t, side.component.Log())
}
