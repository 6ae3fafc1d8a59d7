package component_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	components "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component"
	"credential-resolver/resolver"
)

// FuzzEncode answers any request of any credential: an answer is never larger than
// its message may be, and what is JSON is the credential again.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(everyKind), "flat", "username,extra.token")
	f.Add([]byte(everyKind), "json", "extra.deep.z,port")
	f.Add([]byte(`{"a":{"b":{"c":1}},"a.b":{"c":2}}`), "json", "a.b.c")
	f.Add([]byte("{\"a\":\"\\ud800\"}"), "json", "")
	f.Fuzz(func(t *testing.T, text []byte, format, fields string) {
		o, err := resolver.ParseObject(text)
		if err != nil {
			return
		}
		metadata := map[string]string{"format": format}
		if fields != "" {
			metadata["fields"] = fields
		}
		req, err := component.ParseRequest("g", metadata, component.Flat)
		if err != nil {
			require.ErrorIs(t, err, resolver.InvalidRequest)
			return
		}
		data, err := component.Encode(&resolver.Credential{GUID: "g", Fields: o}, req)
		if err != nil {
			var e *resolver.Error
			require.ErrorAs(t, err, &e)
			require.Nil(t, data)
			return
		}
		message, err := proto.Marshal(&components.GetSecretResponse{Data: data})
		require.NoError(t, err, "what is not UTF-8 has been refused")
		require.Len(t, message, component.Size(data))
		if req.Format != component.JSON {
			return
		}
		again, err := resolver.ParseObject([]byte(data[component.ValueEntry]))
		require.NoError(t, err)
		if req.Fields == nil {
			require.Equal(t, o.Len(), again.Len())
		}
	})
}
