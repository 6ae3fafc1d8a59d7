package azure

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// saidByCosmos is the body of an error of Cosmos DB.
func saidByCosmos(code, text string) string {
	return fmt.Sprintf(`{"code":%q,"message":%q}`, code, text+"\r\nActivityId: canary, Microsoft.Azure.Documents.Common/2.14.0")
}

// collectionOf is an answer with the properties of a collection.
func collectionOf(path string) storageReply {
	return storageReply{status: 200, body: `{"id":"configs","partitionKey":{"paths":["` + path + `"],"kind":"Hash"},"_rid":"r","_self":"s","_etag":"e","_ts":1}`}
}

// accountOf is an answer with the properties of an account.
func accountOf() storageReply {
	return storageReply{status: 200, body: `{"id":"canary","writableLocations":[],"readableLocations":[],"enableMultipleWriteLocations":false}`}
}

func itemOf(fields string) storageReply {
	return storageReply{status: 200, body: `{"id":"myapp||k","partitionKey":"myapp||k",` + fields + `"_etag":"\"e1\"","_ts":1}`, header: http.Header{"Etag": {`"e1"`}}}
}

// cosmosFields are the metadata for a server.
func cosmosFields(url string) map[string]string {
	return map[string]string{"url": url, "masterKey": storageKey, "database": "canary", "collection": "configs"}
}

// openCosmos connects to a collection. The server has answered twice before the test.
func openCosmos(t *testing.T, s *storageService) *cosmosConn {
	t.Helper()
	s.set(accountOf(), collectionOf("/partitionKey"))
	return openConfigs(t, Cosmos(), cosmosFields(s.URL)).(*cosmosConn)
}

func TestItemOfCosmosDBIsAConfig(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openCosmos(t, s)
	for name, test := range map[string]struct{ fields, want string }{
		"binary":               {`"isBinary":true,"value":"` + base64.StdEncoding.EncodeToString([]byte("{\"a\":1.50}\xff")) + `",`, "{\"a\":1.50}\xff"},
		"an object":            {`"isBinary":false,"value":{"b":1.50, "a":null},`, `{"b":1.50, "a":null}`},
		"a text":               {`"isBinary":false,"value":"{\"a\":1.50}",`, `{"a":1.50}`},
		"empty":                {`"value":"",`, ""},
		"binary, not base64":   {`"isBinary":true,"value":"{}",`, "{}"},
		"a text like base64":   {`"isBinary":false,"value":"e30=",`, "e30="},
		"no word about binary": {`"value":{},`, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			s.set(itemOf(test.fields))
			got, err := conn.Get(t.Context(), "myapp||k")
			require.NoError(t, err)
			require.Equal(t, test.want, string(got))
			require.Equal(t, "/dbs/canary/colls/configs/docs/myapp%7C%7Ck", s.last().uri)
			require.Equal(t, `["myapp||k"]`, s.last().header.Get("X-Ms-Documentdb-Partitionkey"))
		})
	}
}

func TestItemIsStoredAsDaprReadsIt(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openCosmos(t, s)
	s.set(storageReply{status: 201})
	require.NoError(t, conn.Set(t.Context(), "myapp||k", []byte("{}")))
	require.JSONEq(t, `{"id":"myapp||k","partitionKey":"myapp||k","isBinary":true,"value":"e30="}`, s.last().body)
	require.Equal(t, "true", s.last().header.Get("X-Ms-Documentdb-Is-Upsert"))
	require.Equal(t, `["myapp||k"]`, s.last().header.Get("X-Ms-Documentdb-Partitionkey"))
	s.set(storageReply{status: 204})
	require.NoError(t, conn.Delete(t.Context(), "myapp||k"))
	require.Equal(t, http.MethodDelete, s.last().method)
	for _, err := range []error{second(conn.Get(t.Context(), "a/b")), conn.Set(t.Context(), "a?", nil), conn.Delete(t.Context(), "#")} {
		require.ErrorIs(t, err, errKeyCharacters)
	}
}

func TestItemOfCosmosDBIsReplacedIfItIsTheOldOne(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openCosmos(t, s)
	conflict := storageReply{status: 412, body: saidByCosmos("PreconditionFailed", "")}
	gone := storageReply{status: 404, body: saidByCosmos("NotFound", "")}
	text := func(value string) storageReply { return itemOf(`"ttl":60,"value":"` + value + `",`) }
	for name, test := range map[string]struct {
		script []storageReply
		want   error
	}{
		"replaced":        {[]storageReply{text("old"), {status: 200}}, nil},
		"already done":    {[]storageReply{text("new")}, nil},
		"another one":     {[]storageReply{text("edited")}, store.ErrEdited},
		"missing":         {[]storageReply{gone}, store.ErrEdited},
		"edited":          {[]storageReply{text("old"), conflict, text("edited")}, store.ErrEdited},
		"deleted":         {[]storageReply{text("old"), gone, gone}, store.ErrEdited},
		"the same edit":   {[]storageReply{text("old"), conflict, text("new")}, nil},
		"edited and back": {[]storageReply{text("old"), conflict, text("old")}, errNotReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			s.set(test.script...)
			s.asked = nil
			require.ErrorIs(t, conn.Replace(t.Context(), "myapp||k", []byte("old"), []byte("new")), test.want)
			require.Len(t, s.asked, len(test.script))
			if len(test.script) > 1 {
				require.Equal(t, []string{http.MethodPut, `"e1"`}, []string{s.asked[1].method, s.asked[1].header.Get("If-Match")})
				var stored map[string]any
				require.NoError(t, json.Unmarshal([]byte(s.asked[1].body), &stored))
				require.InEpsilon(t, 60.0, stored["ttl"], 0, "the item keeps its end")
				require.Equal(t, []any{"bmV3", true}, []any{stored["value"], stored["isBinary"]})
			}
		})
	}
}

func TestCollectionIsListedInPages(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openCosmos(t, s)
	s.set(storageReply{
		status: 200, header: http.Header{"X-Ms-Continuation": {"next=="}},
		body: `{"_rid":"r","Documents":[{"id":"myapp||one"},{"id":"myapp||a.b"},{"id":"other||two"},{}],"_count":4}`,
	})
	p, err := conn.List(t.Context(), "myapp||{guid}", "this==")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "next=="}, p)
	require.JSONEq(t, `{"query":"SELECT c.id FROM c WHERE STARTSWITH(c.id, @prefix)","parameters":[{"name":"@prefix","value":"myapp||"}]}`, s.last().body)
	header := s.last().header
	require.Equal(t, []string{"this==", "500", "true"}, []string{
		header.Get("X-Ms-Continuation"), header.Get("X-Ms-Max-Item-Count"), header.Get("X-Ms-Documentdb-Query-Enablecrosspartition"),
	})
	require.Empty(t, header.Get("X-Ms-Documentdb-Partitionkey"))

	s.set(storageReply{status: 200, body: `{"Documents":[]}`})
	p, err = conn.List(t.Context(), "{guid}", "")
	require.NoError(t, err)
	require.Equal(t, store.Page{}, p)
	require.JSONEq(t, `{"query":"SELECT c.id FROM c"}`, s.last().body)
}

// https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
func TestFailuresOfCosmosDBAreToldApart(t *testing.T) {
	substatus := func(code string) http.Header { return http.Header{"X-Ms-Substatus": {code}} }
	for name, test := range map[string]struct {
		header http.Header
		storageCase
	}{
		"no such item":       {nil, storageCase{404, saidByCosmos("NotFound", "Entity with the specified id does not exist in the system."), credential.NotFound, false, false, nil}},
		"no such item too":   {substatus("0"), storageCase{404, saidByCosmos("NotFound", ""), credential.NotFound, false, false, nil}},
		"no such collection": {substatus("1003"), storageCase{404, saidByCosmos("NotFound", ""), credential.Unavailable, false, false, errNoCollection}},
		"no such database":   {nil, storageCase{404, saidByCosmos("NotFound", "Owner resource does not exist"), credential.Unavailable, false, false, errNoCollection}},
		"a session that is not there yet": {
			substatus("1002"), storageCase{404, saidByCosmos("NotFound", "The read session is not available"), credential.Unavailable, false, false, nil},
		},
		"a wrong key": {nil, storageCase{
			401, saidByCosmos("Unauthorized", "The input authorization token can't serve the request. The wrong key is being used"),
			credential.Denied, true, false, errCosmosKey,
		}},
		"a wrong clock": {nil, storageCase{
			401, saidByCosmos("Unauthorized", "The authorization token is not valid at the current time."), credential.Unavailable, false, false, errClock,
		}},
		"an expired token": {nil, storageCase{401, saidByCosmos("Unauthorized", "The AAD token has expired."), credential.Denied, true, true, errEndedAccess}},
		"an account that allows no key": {substatus("5202"), storageCase{
			401, saidByCosmos("Unauthorized", "Local Authorization is disabled. Use an AAD token to authorize all requests."), credential.Denied, true, false, errCosmosNoKeys,
		}},
		"a role that is missing": {nil, storageCase{
			403, saidByCosmos("Forbidden", "Request blocked by Auth canary : Request is blocked because principal [canary] does not have required RBAC permissions"),
			credential.Denied, true, false, errCosmosNoRole,
		}},
		"a firewall": {nil, storageCase{
			403, saidByCosmos("Forbidden", "Request originated from IP canary through public internet. This is blocked by your Cosmos DB account firewall settings."),
			credential.Denied, true, false, errCosmosFirewall,
		}},
		"throttling":                 {substatus("3200"), storageCase{429, saidByCosmos("429", "Request rate is large."), credential.Unavailable, false, false, nil}},
		"a service that is down":     {nil, storageCase{503, saidByCosmos("ServiceUnavailable", ""), credential.Unavailable, false, false, nil}},
		"a service that is too slow": {nil, storageCase{408, saidByCosmos("RequestTimeout", ""), credential.Unavailable, false, false, nil}},
		"a partition that moves":     {nil, storageCase{410, saidByCosmos("Gone", ""), credential.Unavailable, false, false, nil}},
		"an item without a value":    {nil, storageCase{200, `{"id":"canary"}`, credential.FailedPrecondition, false, false, errOtherItem}},
		"a null":                     {nil, storageCase{200, `{"id":"canary","value":null}`, credential.FailedPrecondition, false, false, errOtherItem}},
		"another object":             {nil, storageCase{200, `{}`, credential.Unavailable, false, false, errNotAzure}},
		"a page":                     {nil, storageCase{200, "<html>canary</html>", credential.Unavailable, false, false, errNotAzure}},
		"a proxy's 404":              {http.Header{"X-Ms-Request-Id": nil}, storageCase{404, "canary", credential.Unavailable, false, false, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorageService(t, storageReply{})
			conn := openCosmos(t, s)
			s.set(storageReply{status: test.status, body: test.body, header: test.header})
			_, err := conn.Get(t.Context(), "canary")
			requireStorageFailure(t, test.storageCase, err)
		})
	}
}

func TestThrottlingSaysWhenCosmosDBMayBeAsked(t *testing.T) {
	s := newStorageService(t, storageReply{})
	conn := openCosmos(t, s)
	s.set(storageReply{status: 429, body: saidByCosmos("429", ""), header: http.Header{"X-Ms-Retry-After-Ms": {"1500"}}})
	_, err := conn.Get(t.Context(), "k")
	require.Equal(t, store.Unavailable(store.Throttled(answered("429"), 1500*time.Millisecond)), err)
}

func TestFailuresToConnectToCosmosDBAreToldApart(t *testing.T) {
	wrongKey := storageReply{status: 401, body: saidByCosmos("Unauthorized", "The wrong key is being used")}
	for name, test := range map[string]struct {
		script []storageReply
		storageCase
	}{
		"a wrong key":           {[]storageReply{wrongKey}, storageCase{want: credential.Denied, general: true, why: errCosmosKey}},
		"a firewall":            {[]storageReply{{status: 403, body: saidByCosmos("Forbidden", "firewall")}}, storageCase{want: credential.Denied, general: true, why: errCosmosFirewall}},
		"no such collection":    {[]storageReply{accountOf(), {status: 404, body: saidByCosmos("NotFound", "")}}, storageCase{want: credential.Unavailable, why: errNoCollection}},
		"another partition key": {[]storageReply{accountOf(), collectionOf("/canary")}, storageCase{want: credential.Unavailable, why: errPartitionKey}},
		"a page":                {[]storageReply{{status: 200, body: "<html>canary</html>"}}, storageCase{want: credential.Unavailable}},
		"a proxy":               {[]storageReply{{status: 502, header: http.Header{"X-Ms-Request-Id": nil}}}, storageCase{want: credential.Unavailable}},
		"not a collection":      {[]storageReply{accountOf(), {status: 200, body: "{}"}}, storageCase{want: credential.Unavailable, why: errNotAzure}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorageService(t, storageReply{})
			s.set(test.script...)
			_, err := Cosmos().Connect(t.Context(), cosmosFields(s.URL), storetest.DevNull(t))
			requireStorageFailure(t, test.storageCase, err)
		})
	}
}

func TestSettingsOfCosmosDB(t *testing.T) {
	for name, test := range map[string]struct {
		fields map[string]string
		want   string
	}{
		"a URL that cannot be": {map[string]string{"url": "canary:443"}, `url is not an address such as "https://account.documents.azure.com:443/"`},
		"a key that cannot be": {map[string]string{"masterKey": "canary!"}, "masterKey is not a key of a Cosmos DB account: it is base64"},
		"a token without TLS":  {map[string]string{"url": "http://canary", "masterKey": ""}, "url must begin with https, because a token is sent to it: or set masterKey"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := cosmosFields("https://account.documents.azure.com:443/")
			fields["contentType"] = "application/json"
			maps.Copy(fields, test.fields)
			require.EqualError(t, Cosmos().Prepare(fields), test.want)
		})
	}
	s, err := store.Decode[cosmosSettings](cosmosFields("https://account.documents.azure.com:443/"))
	require.NoError(t, err)
	require.Equal(t, "https://account.documents.azure.com/.default", s.scope())
}
