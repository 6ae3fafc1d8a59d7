package component_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	components "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// FuzzEncode encodes the answer to an arbitrary request for an arbitrary credential. The answer
// must not exceed the maximum size, and a JSON answer must contain the credential.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(everyKind), "flat", "username,extra.token")
	f.Add([]byte(everyKind), "json", "extra.deep.z,port")
	f.Add([]byte(`{"a":{"b":{"c":1}},"a.b":{"c":2}}`), "json", "a.b.c")
	f.Add([]byte("{\"a\":\"\\ud800\"}"), "json", "")
	f.Add([]byte(`{"a":`+strings.Repeat(`{"a":`, 200)+`1`+strings.Repeat("}", 201)), "json", strings.Repeat("a.", 63)+"a")
	f.Fuzz(func(t *testing.T, text []byte, format, fields string) {
		o, err := credential.ParseObject(text)
		if err != nil {
			return
		}
		metadata := map[string]string{"format": format}
		if fields != "" {
			metadata["fields"] = fields
		}
		req, err := component.ParseRequest("g", metadata, component.Flat)
		if err != nil {
			require.ErrorIs(t, err, credential.InvalidRequest)
			return
		}
		var data map[string]string
		allocated := resolvertest.Allocated(func() {
			data, err = component.Encode(&credential.Credential{GUID: "g", Fields: o}, req)
		})
		require.LessOrEqual(t, allocated, uint64(400*(len(text)+len(fields))+1<<20))
		if err != nil {
			var e *credential.Error
			require.ErrorAs(t, err, &e)
			require.Nil(t, data)
			return
		}
		message, err := proto.Marshal(&components.GetSecretResponse{Data: data})
		require.NoError(t, err, "an answer must be valid UTF-8")
		require.Len(t, message, component.Size(data))
		if req.Format != component.JSON {
			return
		}
		again, err := credential.ParseObject([]byte(data[component.ValueEntry]))
		require.NoError(t, err)
		if req.Fields == nil {
			require.Equal(t, o.Len(), again.Len())
		}
	})
}

// FuzzRequest parses arbitrary request metadata. It must use memory in proportion to their
// size, and refuse what exceeds a limit.
func FuzzRequest(f *testing.F) {
	f.Add("fields", "username,extra.token", 1)
	f.Add("fields", "a,", 50)
	f.Add("fields", "a.", 5000)
	f.Add("rejected", "x", 20_000)
	f.Add("formta", "json", 1)
	f.Fuzz(func(t *testing.T, name, value string, times int) {
		value = strings.Repeat(value, max(1, min(times, 1<<20/(len(value)+1))))
		var req component.Request
		var err error
		allocated := resolvertest.Allocated(func() {
			req, err = component.ParseRequest("g", map[string]string{name: value}, component.Flat)
		})
		require.LessOrEqual(t, allocated, uint64(100*(len(name)+len(value))+64<<10))
		if err != nil {
			require.ErrorIs(t, err, credential.InvalidRequest)
			require.Less(t, len(err.Error()), 1000)
			return
		}
		require.LessOrEqual(t, len(name)+len(value), 16<<10)
		require.LessOrEqual(t, len(req.Fields), 100)
		for _, field := range req.Fields {
			require.LessOrEqual(t, strings.Count(field, "."), 63)
		}
	})
}
