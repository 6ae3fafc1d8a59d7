package aws

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// newTable is DynamoDB with one answer.
func newTable(t *testing.T, answer string, fields map[string]string) (*service, *dynamoConn) {
	t.Helper()
	s := newService(t, 200, answer)
	s.answer = http.Header{"X-Amzn-Requestid": {"1"}}
	all := map[string]string{"endpoint": s.URL, "table": "configs"}
	for name, value := range fields {
		all[name] = value
	}
	return s, connected(t, DynamoDB(), all).(*dynamoConn)
}

func TestValueOfAnItemIsReadByteForByte(t *testing.T) {
	for name, test := range map[string]struct{ value, want string }{
		"binary":       {`{"B":"` + base64.StdEncoding.EncodeToString([]byte("{\"a\":1.50}\xff")) + `"}`, "{\"a\":1.50}\xff"},
		"a text":       {`{"S":"{\"a\":12345678901234567890}"}`, `{"a":12345678901234567890}`},
		"empty binary": {`{"B":""}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, conn := newTable(t, `{"Item":{"key":{"S":"myapp||k"},"value":`+test.value+`,"etag":{"S":"1"}}}`, nil)
			got, err := conn.Get(t.Context(), "myapp||k")
			require.NoError(t, err)
			require.Equal(t, test.want, string(got))
			require.Equal(t, "DynamoDB_20120810.GetItem", s.target)
			require.Equal(t, map[string]any{
				"TableName": "configs", "ConsistentRead": true, "Key": map[string]any{"key": map[string]any{"S": "myapp||k"}},
			}, s.asked)
		})
	}
}

func TestEmptyAnswerIsAMissingItemOnlyFromDynamoDB(t *testing.T) {
	s, conn := newTable(t, `{}`, nil)
	_, err := conn.Get(t.Context(), "k")
	storetest.RequireKind(t, credential.NotFound, err)
	s.answer = nil
	_, err = conn.Get(t.Context(), "k")
	require.ErrorIs(t, err, errNotAWS)
}

func TestItemWhoseTimeIsOverIsMissing(t *testing.T) {
	item := func(ttl string) string { return `{"Item":{"id":{"S":"k"},"value":{"S":"{}"},"expires":` + ttl + `}}` }
	number := func(at time.Time) string { return fmt.Sprintf(`{"N":"%d"}`, at.Unix()) }
	fields := map[string]string{"partitionKey": "id", "ttlAttributeName": "expires"}
	for name, test := range map[string]struct {
		ttl  string
		over bool
	}{
		"over":            {number(time.Now().Add(-time.Second)), true},
		"not over":        {number(time.Now().Add(time.Hour)), false},
		"not a number":    {`{"S":"1"}`, false},
		"not an end time": {`{"N":"1e400"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, conn := newTable(t, item(test.ttl), fields)
			_, err := conn.Get(t.Context(), "k")
			require.Equal(t, test.over, store.Missing(err), "%v", err)
			require.Equal(t, map[string]any{"id": map[string]any{"S": "k"}}, s.asked["Key"])
			_, without := newTable(t, item(test.ttl), map[string]string{"partitionKey": "id"})
			_, err = without.Get(t.Context(), "k")
			require.NoError(t, err)
		})
	}
}

func TestItemIsStoredAsDaprStoresIt(t *testing.T) {
	s, conn := newTable(t, `{}`, nil)
	require.NoError(t, conn.Set(t.Context(), "k", []byte("{}")))
	require.Equal(t, "DynamoDB_20120810.PutItem", s.target)
	item := s.asked["Item"].(map[string]any)
	require.Regexp(t, "^[0-9a-f]{16}$", item["etag"].(map[string]any)["S"])
	delete(item, "etag")
	require.Equal(t, map[string]any{
		"TableName": "configs",
		"Item":      map[string]any{"key": map[string]any{"S": "k"}, "value": map[string]any{"B": "e30="}},
	}, s.asked)
	require.NoError(t, conn.Delete(t.Context(), "k"))
	require.Equal(t, "DynamoDB_20120810.DeleteItem", s.target)
}

func TestItemIsReplacedIfItIsTheOldOne(t *testing.T) {
	s, conn := newTable(t, `{"Item":{"key":{"S":"k"},"value":{"S":"old"},"etag":{"S":"1"},"expires":{"N":"9999999999"}}}`, nil)
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")))
	require.Equal(t, "DynamoDB_20120810.PutItem", s.target)
	require.Equal(t, "#value = :old", s.asked["ConditionExpression"])
	require.Equal(t, map[string]any{":old": map[string]any{"S": "old"}}, s.asked["ExpressionAttributeValues"])
	require.Equal(t, map[string]any{"N": "9999999999"}, s.asked["Item"].(map[string]any)["expires"], "the item keeps its end")
	require.NotEqual(t, map[string]any{"S": "1"}, s.asked["Item"].(map[string]any)["etag"])

	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("other"), []byte("new")), store.ErrEdited)
	require.Equal(t, "DynamoDB_20120810.GetItem", s.target, "nothing is written")
	require.NoError(t, conn.Replace(t.Context(), "k", []byte("other"), []byte("old")), "an earlier attempt did it")
	require.Equal(t, "DynamoDB_20120810.GetItem", s.target)
	s.body = `{}`
	require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")), store.ErrEdited)
}

func TestItemThatIsEditedMeanwhileIsNotReplaced(t *testing.T) {
	s, conn := newTable(t, "", nil)
	edited := func(value string) string { return `{"Item":{"key":{"S":"k"},"value":{"S":"` + value + `"}}}` }
	conflict := said("ConditionalCheckFailedException", "The conditional request failed")
	for name, test := range map[string]struct {
		after string
		want  error
	}{
		"edited":        {edited("edited"), store.ErrEdited},
		"deleted":       {`{}`, store.ErrEdited},
		"the same edit": {edited("new"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.script = []reply{{200, edited("old")}, {400, conflict}, {200, test.after}}
			require.ErrorIs(t, conn.Replace(t.Context(), "k", []byte("old"), []byte("new")), test.want)
			require.Empty(t, s.script)
		})
	}
}

func TestTableIsListedInPages(t *testing.T) {
	s, conn := newTable(t, `{"Items":[{"key":{"S":"myapp||one"}},{"key":{"S":"myapp||a.b"}},{"key":{"S":"other||two"}},{"key":{"N":"1"}},
		{"key":{"S":"myapp||over"},"end":{"N":"1"}}],"LastEvaluatedKey":{"key":{"S":"myapp||zzz"}}}`, map[string]string{"ttlAttributeName": "end"})
	p, err := conn.List(t.Context(), "myapp||{guid}", "myapp||aaa")
	require.NoError(t, err)
	require.Equal(t, store.Page{GUIDs: []string{"one"}, Next: "myapp||zzz"}, p)
	require.Equal(t, map[string]any{
		"TableName": "configs", "ConsistentRead": true, "Limit": 500.0, "ProjectionExpression": "#key, #ttl", "FilterExpression": "begins_with(#key, :prefix)",
		"ExpressionAttributeNames":  map[string]any{"#key": "key", "#ttl": "end"},
		"ExpressionAttributeValues": map[string]any{":prefix": map[string]any{"S": "myapp||"}},
		"ExclusiveStartKey":         map[string]any{"key": map[string]any{"S": "myapp||aaa"}},
	}, s.asked)
	s.body = `{"Items":[]}`
	p, err = conn.List(t.Context(), "{guid}", "")
	require.NoError(t, err)
	require.Equal(t, store.Page{}, p)
	require.NotContains(t, s.asked, "FilterExpression")
}
