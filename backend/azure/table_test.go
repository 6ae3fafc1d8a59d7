package azure

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// saidByTables is the body of an error of Table Storage.
func saidByTables(code, detail string) string {
	return fmt.Sprintf(`{"odata.error":{"code":%q,"message":{"lang":"en-US","value":%q}}}`, code, "canary\n"+detail)
}

// entityOf is an answer with an entity.
func entityOf(properties string) storageReply {
	return storageReply{
		status: 200, header: http.Header{"Etag": {`W/"datetime'1'"`}},
		body: `{"odata.etag":"W/\"datetime'1'\"","PartitionKey":"myapp","RowKey":"k","Timestamp":"2026-11-28T00:00:00.0000000Z",` + properties + `}`,
	}
}

func openTable(t *testing.T, url string) store.ConfigConn {
	t.Helper()
	return openConfigs(t, Table(), map[string]string{"accountName": "canary", "accountKey": storageKey, "tableName": "configs", "serviceURL": url + "/canary"})
}

func TestEntityOfATableIsAConfig(t *testing.T) {
	for config, properties := range map[string]string{
		`{"a":1.50,"b":12345678901234567890}`: `"Value":"{\"a\":1.50,\"b\":12345678901234567890}"`,
		"":                                    `"Value":""`,
		"<>&\u2028é😀":                         `"Value":"<>&\u2028é😀"`,
	} {
		s := newStorageService(t, entityOf(properties))
		conn := openTable(t, s.URL)
		got, err := conn.Get(t.Context(), "myapp||k")
		require.NoError(t, err)
		require.Equal(t, config, string(got))
		require.Equal(t, "/canary/configs(PartitionKey='myapp',RowKey='k')", strings.TrimSuffix(s.last().uri, "?"))

		s.set(storageReply{status: 204})
		require.NoError(t, conn.Set(t.Context(), "myapp||k", []byte(config)))
		require.Equal(t, http.MethodPut, s.last().method)
		require.Empty(t, s.last().header.Get("If-Match"))
		var stored map[string]any
		require.NoError(t, json.Unmarshal([]byte(s.last().body), &stored))
		require.Equal(t, map[string]any{"PartitionKey": "myapp", "RowKey": "k", "Value": config}, stored)
		require.NoError(t, conn.(store.Deleter).Delete(t.Context(), "myapp||k"))
		require.Equal(t, []string{http.MethodDelete, "*"}, []string{s.last().method, s.last().header.Get("If-Match")})
	}
}

func TestKeysOfATableAreThoseOfDapr(t *testing.T) {
	plain, cosmos := &tableConn{}, &tableConn{empty: emptyRow}
	for key, want := range map[string][2]string{"a||b": {"a", "b"}, "a||": {"a", ""}, "||b": {"", "b"}, "a|b": {"a|b", ""}} {
		partition, row, err := plain.keyOf(key)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{partition, row})
	}
	partition, row, err := cosmos.keyOf("a")
	require.NoError(t, err)
	require.Equal(t, []string{"a", emptyRow}, []string{partition, row})
	for key, want := range map[string]error{"a||b||c": errDelimiters, "a/b": errKeyCharacters, "a#": errKeyCharacters, "a||b?": errKeyCharacters, `\`: errKeyCharacters} {
		conn := openTable(t, "http://127.0.0.1:1")
		for _, err := range []error{
			second(conn.Get(t.Context(), key)), conn.Set(t.Context(), key, nil), conn.(store.Deleter).Delete(t.Context(), key),
			second(conn.(store.Lister).List(t.Context(), store.KeyTemplate(key+"{guid}"), "")),
		} {
			requireStorageFailure(t, storageCase{want: credential.FailedPrecondition, why: want}, err)
		}
	}
}

func TestConfigThatATableCannotKeepIsRefused(t *testing.T) {
	s := newStorageService(t, storageReply{status: 204})
	conn := openTable(t, s.URL)
	require.NoError(t, conn.Set(t.Context(), "k", []byte(strings.Repeat("é", maxTableValue))))
	sent := len(s.asked)
	for config, want := range map[string]error{
		strings.Repeat("x", maxTableValue+1):       errLongValue,
		strings.Repeat("😀", maxTableValue/2) + "x": errLongValue,
		"\xff": errNoText,
	} {
		err := conn.Set(t.Context(), "k", []byte(config))
		requireStorageFailure(t, storageCase{want: credential.FailedPrecondition, why: want}, err)
	}
	require.Len(t, s.asked, sent, "nothing is sent")
}

func TestEntityIsReplacedIfItIsTheOldOne(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openTable(t, s.URL).(store.Replacer)
	conflict := storageReply{status: 412, body: saidByTables("UpdateConditionNotSatisfied", "")}
	gone := storageReply{status: 404, body: saidByTables("ResourceNotFound", "")}
	old, edited, newer := entityOf(`"Value":"old"`), entityOf(`"Value":"edited"`), entityOf(`"Value":"new"`)
	for name, test := range map[string]struct {
		script []storageReply
		want   error
	}{
		"replaced":        {[]storageReply{old, {status: 204}}, nil},
		"already done":    {[]storageReply{newer}, nil},
		"another one":     {[]storageReply{edited}, store.ErrEdited},
		"missing":         {[]storageReply{gone}, store.ErrEdited},
		"edited":          {[]storageReply{old, conflict, edited}, store.ErrEdited},
		"deleted":         {[]storageReply{old, gone, gone}, store.ErrEdited},
		"the same edit":   {[]storageReply{old, conflict, newer}, nil},
		"edited and back": {[]storageReply{old, conflict, old}, errNotReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			s.set(test.script...)
			s.asked = nil
			require.ErrorIs(t, conn.Replace(t.Context(), "myapp||k", []byte("old"), []byte("new")), test.want)
			require.Len(t, s.asked, len(test.script))
			if len(test.script) > 1 {
				require.Equal(t, `W/"datetime'1'"`, s.asked[1].header.Get("If-Match"))
				require.Equal(t, http.MethodPatch, s.asked[1].method, "the entity keeps its other properties")
			}
		})
	}
}

// https://learn.microsoft.com/rest/api/storageservices/query-entities
func TestTableIsListedInPages(t *testing.T) {
	s := newStorageService(t, storageReply{
		status: 200,
		header: http.Header{"X-Ms-Continuation-Nextpartitionkey": {"1!8!bXlhcHA-"}, "X-Ms-Continuation-Nextrowkey": {"1!4!eg--"}},
		body:   `{"value":[{"PartitionKey":"myapp","RowKey":"one"},{"PartitionKey":"myapp","RowKey":"a.b"},{"PartitionKey":"other","RowKey":"two"},{"PartitionKey":"myapp","RowKey":""}]}`,
	})
	conn := openTable(t, s.URL).(store.Lister)
	p, err := conn.List(t.Context(), "myapp||{guid}", "")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "PartitionKey=1%218%21bXlhcHA-&RowKey=1%214%21eg--"}, p)
	require.Equal(t, "/canary/configs()?$filter=PartitionKey+eq+'myapp'&$select=PartitionKey%2CRowKey&$top=500", unescaped(s.last().uri))
	_, err = conn.List(t.Context(), "myapp||{guid}", p.Next)
	require.NoError(t, err)
	require.Contains(t, s.last().uri, "NextPartitionKey=1%218%21bXlhcHA-&NextRowKey=1%214%21eg--")
	_, err = conn.List(t.Context(), "{guid}", "%zz")
	require.ErrorIs(t, err, errNotAzure)

	s.set(storageReply{status: 200, body: `{"value":[]}`})
	p, err = conn.List(t.Context(), "{guid}", "")
	require.NoError(t, err)
	require.Equal(t, store.Page{}, p)
	require.NotContains(t, s.last().uri, "filter")
	s.set(storageReply{status: 404, body: saidByTables("TableNotFound", "")})
	_, err = conn.List(t.Context(), "{guid}", "")
	require.ErrorIs(t, err, errNoTable)
}

func unescaped(uri string) string {
	return strings.NewReplacer("%24", "$", "%27", "'", "%20", "+").Replace(uri)
}

func TestConditionOfAListedTable(t *testing.T) {
	c := &tableConn{}
	for key, want := range map[store.KeyTemplate]string{
		"{guid}":             "",
		"{guid}||x":          "",
		"conf-{guid}":        "PartitionKey ge 'conf-' and PartitionKey lt 'conf-{'",
		"it's||{guid}":       "PartitionKey eq 'it''s'",
		"myapp||conf-{guid}": "PartitionKey eq 'myapp' and RowKey ge 'conf-' and RowKey lt 'conf-{'",
	} {
		require.Equal(t, want, c.filter(key))
	}
}

func TestFailuresOfTableStorageAreToldApart(t *testing.T) {
	cases := storageCases(saidByTables)
	for name, test := range map[string]storageCase{
		"no such entity":                {404, saidByTables("ResourceNotFound", ""), credential.NotFound, false, false, nil},
		"no such entity in Cosmos DB":   {404, saidByTables("EntityNotFound", ""), credential.NotFound, false, false, nil},
		"no such table":                 {404, saidByTables("TableNotFound", ""), credential.Unavailable, false, false, errNoTable},
		"a table that is being deleted": {409, saidByTables("TableBeingDeleted", ""), credential.Unavailable, false, false, errNoTable},
		"a number":                      {200, entityOf(`"Value":7`).body, credential.FailedPrecondition, false, false, errOtherEntity},
		"a binary value":                {200, entityOf(`"Value":"e30=","Value@odata.type":"Edm.Binary"`).body, credential.FailedPrecondition, false, false, errOtherEntity},
		"no value":                      {200, entityOf(`"Other":"canary"`).body, credential.FailedPrecondition, false, false, errOtherEntity},
		"a page":                        {200, "<html>canary</html>", credential.Unavailable, false, false, errNotAzure},
		"null":                          {200, "null", credential.Unavailable, false, false, errNotAzure},
	} {
		cases[name] = test
	}
	runStorageCases(t, openTable, cases)
}

func TestSettingsOfTableStorage(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"no table":                  {map[string]string{"tableName": ""}, "tableName is missing: name the table that holds the configs"},
		"a table that cannot be":    {map[string]string{"tableName": "canary-x"}, "tableName is not the name of a table: it has 3 to 63 letters and digits, and begins with a letter"},
		"an account that cannot be": {map[string]string{"accountName": "canary.example/"}, "accountName must be the name of the account"},
		"a key that cannot be":      {map[string]string{"accountKey": "canary!"}, "accountKey is not a key of an account: it is base64"},
		"a URL that cannot be":      {map[string]string{"serviceURL": "canary:10002"}, `serviceURL is not an address such as "https://account.table.core.windows.net"`},
		"a token without TLS":       {map[string]string{"serviceURL": "http://canary", "accountKey": ""}, "serviceURL must begin with https, because a token is sent to it: or set accountKey"},
		"a word that is no boolean": {map[string]string{"cosmosDbMode": "canary"}, "cosmosDbMode must be true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := map[string]string{"accountName": "a", "accountKey": storageKey, "tableName": "configs", "skipCreateTable": "true"}
			maps.Copy(fields, test.fields)
			require.EqualError(t, Table().Prepare(fields), test.want)
		})
	}
	for want, fields := range map[[2]string]map[string]string{
		{"https://a.table.core.windows.net", storageScope}:                        {},
		{"https://a.table.core.chinacloudapi.cn", storageScope}:                   {"azureEnvironment": "AzureChinaCloud"},
		{"https://a.table.cosmos.azure.com", "https://cosmos.azure.com/.default"}: {"cosmosDbMode": "true"},
		{"https://a.table.cosmos.azure.cn", "https://cosmos.azure.cn/.default"}:   {"cosmosDbMode": "true", "azureCloud": "AzureChinaCloud", "serviceURL": "https://a.table.cosmos.azure.cn"},
		{"https://tables.example/a", "https://storage.azure.com/.default"}:        {"serviceURL": "https://tables.example/a"},
	} {
		all := map[string]string{"storageAccount": "a", "table": "configs"}
		maps.Copy(all, fields)
		s, err := store.Decode[tableSettings](all)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{s.url(), s.scope()})
	}
}
