package azure

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestAddressOfAContainer(t *testing.T) {
	for want, fields := range map[string]map[string]string{
		"https://canary.blob.core.windows.net/configs":       {},
		"https://canary.blob.core.chinacloudapi.cn/configs":  {"azureEnvironment": "AzureChinaCloud"},
		"https://canary.blob.core.usgovcloudapi.net/configs": {"azureCloud": "AzureUSGovernment"},
		"https://storage.example/canary/configs":             {"storageEndpoint": "https://storage.example/"},
	} {
		all := map[string]string{"storageAccount": "canary", "container": "configs"}
		maps.Copy(all, fields)
		s, err := store.Decode[blobSettings](all)
		require.NoError(t, err)
		require.Equal(t, want, s.url())
	}
	s, err := store.Decode[blobSettings](map[string]string{"accountName": "a", "containerName": "c", "endpoint": "https://a.blob.core.windows.net/c"})
	require.NoError(t, err)
	require.Equal(t, "https://a.blob.core.windows.net/c", s.url(), "Azure's own endpoint has no account in its path")
}

func TestSettingsOfBlobStorage(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"no container":                {map[string]string{"containerName": ""}, "containerName is missing: name the container that holds the configs"},
		"a container that cannot be":  {map[string]string{"containerName": "Canary"}, "containerName is not the name of a container: it has lower-case letters, digits and hyphens"},
		"no account":                  {map[string]string{"accountName": ""}, "accountName must be the name of a storage account: set it, or connectionString"},
		"an account that cannot be":   {map[string]string{"accountName": "canary.example/"}, "accountName must be the name of a storage account: set it, or connectionString"},
		"a key that cannot be":        {map[string]string{"accountKey": "canary!"}, "accountKey is not a key of a storage account: it is base64"},
		"an endpoint that cannot be":  {map[string]string{"endpoint": "canary:10000"}, `endpoint is not an address such as "https://storage.example"`},
		"a token without TLS":         {map[string]string{"endpoint": "http://canary", "accountKey": ""}, "endpoint must begin with https, because a token is sent to it: or set accountKey"},
		"a word that is no boolean":   {map[string]string{"decodeBase64": "canary"}, "decodeBase64 must be true or false"},
		"another one":                 {map[string]string{"disableEntityManagement": "canary"}, "disableEntityManagement must be true or false"},
		"an unknown cloud":            {map[string]string{"azureEnvironment": "canary"}, "azureEnvironment must be AzurePublicCloud, AzureChinaCloud or AzureUSGovernmentCloud"},
		"half a connection string":    {map[string]string{"connectionString": "AccountName=canary"}, "connectionString cannot be used: it needs AccountName or BlobEndpoint, and AccountKey or SharedAccessSignature"},
		"no connection string at all": {map[string]string{"connectionString": "canary"}, "connectionString cannot be used: it needs AccountName or BlobEndpoint, and AccountKey or SharedAccessSignature"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := map[string]string{"accountName": "a", "accountKey": storageKey, "containerName": "c"}
			maps.Copy(fields, test.fields)
			require.EqualError(t, Blob().Prepare(fields), test.want)
		})
	}
	for alias, field := range map[string]string{
		"container": "containerName", "storageAccountContainer": "containerName", "storageAccount": "accountName", "storageAccountName": "accountName",
		"accessKey": "accountKey", "storageAccessKey": "accountKey", "storageAccountKey": "accountKey", "storageEndpoint": "endpoint",
		"storageAccountEndpoint": "endpoint", "queueEndpointUrl": "endpoint",
	} {
		fields := blobFields("https://storage.example")
		fields[alias] = fields[field]
		delete(fields, field)
		_, _, err := store.Lookup(store.Spec{Type: "t", Fields: fields}, map[string]store.Type[store.ConfigConn]{"t": Blob()})
		require.NoError(t, err, alias)
	}
	withoutEffect := blobFields("https://storage.example")
	maps.Copy(withoutEffect, map[string]string{
		"publicAccessLevel": "blob", "disableEntityManagement": "true", "retryCount": "3", "getBlobRetryCount": "3", "decodeBase64": "true",
	})
	_, _, err := store.Lookup(store.Spec{Type: "t", Fields: withoutEffect}, map[string]store.Type[store.ConfigConn]{"t": Blob()})
	require.NoError(t, err)
}
