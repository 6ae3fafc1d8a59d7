package deploy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/componentfile"
)

// TestRolesForConfigsInAzureOnlyRead reads the roles of the config stores in Azure. The role of Cosmos DB
// names the collection of its Component.
func TestRolesForConfigsInAzureOnlyRead(t *testing.T) {
	actions := map[string][]string{
		"blob":  {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"},
		"table": {"Microsoft.Storage/storageAccounts/tableServices/tables/entities/read"},
		"cosmos": {
			"Microsoft.DocumentDB/databaseAccounts/readMetadata",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read",
			"Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery",
		},
	}
	for store, want := range actions {
		text, err := os.ReadFile("azure/" + store + "-role.json")
		require.NoError(t, err)
		var role struct {
			Actions, DataActions []string
			Permissions          []struct{ DataActions []string }
			AssignableScopes     []string
		}
		require.NoError(t, json.Unmarshal(text, &role))
		for _, p := range role.Permissions {
			role.DataActions = append(role.DataActions, p.DataActions...)
		}
		require.Equal(t, want, role.DataActions)
		require.Empty(t, role.Actions)
		if store == "cosmos" {
			properties, err := componentfile.Load("../components/stores/state.azure.cosmosdb.yaml")
			require.NoError(t, err)
			scope := "/dbs/" + properties["configStore.database"] + "/colls/" + properties["configStore.collection"]
			require.Equal(t, scope, strings.Join(role.AssignableScopes, " "))
		}
	}
}
