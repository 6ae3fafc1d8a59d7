package component_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	components "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
)

func field(name, text string) credential.Field {
	return credential.Field{Name: name, Value: credential.StringValue(text)}
}

func TestInvalidUTF8IsRefusedWithItsFieldName(t *testing.T) {
	const notUTF8 = canary.Secret + "\xff"
	nested := func(f credential.Field) credential.Field {
		return credential.Field{Name: "extra", Value: credential.NewObject(field("fine", "v"), f).AsValue()}
	}
	cases := map[string]struct {
		field credential.Field
		asked []string
		says  string
	}{
		"a value":              {field("cert", notUTF8), nil, `field "cert" is not valid UTF-8`},
		"a requested value":    {field("cert", notUTF8), []string{"cert"}, `field "cert" is not valid UTF-8`},
		"a value in an object": {nested(field("cert", notUTF8)), nil, `field "extra" is not valid UTF-8`},
		"a name":               {field(notUTF8, "v"), nil, "the name of a field is not valid UTF-8"},
		"a name of a null":     {credential.Field{Name: notUTF8 + "x"}, nil, "the name of a field is not valid UTF-8"},
		"a name in an object":  {nested(field(notUTF8, "v")), nil, `field "extra" is not valid UTF-8`},
	}
	for name, tc := range cases {
		for _, format := range []component.Format{component.Flat, component.JSON} {
			if name == "a name of a null" && format == component.Flat {
				continue // a null is left out, with its name
			}
			t.Run(name+", "+string(format), func(t *testing.T) {
				c := &credential.Credential{GUID: "some-guid", Fields: credential.NewObject(field("user", "u"), tc.field, field("z", "z"))}
				data, err := component.Encode(c, component.Request{Format: format, Fields: tc.asked})
				require.ErrorIs(t, err, credential.FailedPrecondition)
				require.ErrorContains(t, err, `credential "some-guid": `+tc.says)
				assert.Nil(t, data)
				canary.AssertNone(t, err.Error())
			})
		}
	}
}

func TestUnrequestedInvalidFieldIsIgnored(t *testing.T) {
	c := &credential.Credential{GUID: "g", Fields: credential.NewObject(field("user", "u"), field("cert", "\xff"))}
	for _, format := range []component.Format{component.Flat, component.JSON} {
		_, err := component.Encode(c, component.Request{Format: format, Fields: []string{"user"}})
		assert.NoError(t, err)
	}
}

func TestTheSizeOfAnAnswerIsThatOfItsMessage(t *testing.T) {
	cases := map[string]map[string]string{
		"nothing":              {},
		"an entry":             {"user": "u"},
		"empty texts":          {"": ""},
		"an empty value":       {"user": ""},
		"several":              {"a": "1", "b": "22", "c": strings.Repeat("é", 100)},
		"lengths of one byte":  {"k": strings.Repeat("x", 122), "l": strings.Repeat("x", 123), "m": strings.Repeat("x", 127)},
		"lengths of two bytes": {strings.Repeat("k", 128): strings.Repeat("x", 16383), "l": strings.Repeat("x", 16384)},
		"a large one":          {"_value": strings.Repeat("x", 3<<20)},
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, proto.Size(&components.GetSecretResponse{Data: data}), component.Size(data))
		})
	}
}

func TestTheSizeOfABulkAnswerIsThatOfItsMessage(t *testing.T) {
	answers := map[string]map[string]string{
		"nothing": {}, "empty-texts": {"": ""}, "one": {"user": "u"},
		strings.Repeat("g", 128): {"a": strings.Repeat("x", 118), "b": strings.Repeat("é", 8192)},
	}
	message, size := &components.BulkGetSecretResponse{Data: map[string]*components.SecretResponse{}}, 0
	for guid, data := range answers {
		message.Data[guid] = &components.SecretResponse{Secrets: data}
		size += component.BulkEntrySize(guid, data)
		assert.Equal(t, proto.Size(message), size, guid)
	}
}

func TestAnAnswerOverTheRuntimesLimitIsRefused(t *testing.T) {
	// overhead returns the size of a message without the text of its one entry.
	overhead := func(name string) int {
		const text = 3 << 20
		return component.Size(map[string]string{name: strings.Repeat("x", text)}) - text
	}
	for format, tc := range map[component.Format]struct {
		entry  string
		around int // what JSON adds around the text of field f
	}{
		component.Flat: {"f", 0},
		component.JSON: {"_value", len(`{"f":""}`)},
	} {
		t.Run(string(format), func(t *testing.T) {
			most := component.MaxAnswer - overhead(tc.entry) - tc.around
			fingerprint := map[string]string{component.FingerprintEntry: strings.Repeat("f", 32)}
			req := component.Request{Format: format, Fields: []string{"f"}}
			encode := func(length int) (map[string]string, error) {
				c := &credential.Credential{GUID: "g", Fields: credential.NewObject(
					field("f", strings.Repeat("x", length)), credential.Field{Name: "n"},
				)}
				return component.Encode(c, req)
			}

			data, err := encode(most)
			require.NoError(t, err)
			assert.Equal(t, 4<<20, proto.Size(&components.GetSecretResponse{Data: data}))

			data, err = encode(most + 1)
			require.ErrorIs(t, err, credential.TooLarge)
			require.ErrorContains(t, err, `credential "g": the answer is larger than the runtime's limit of 4 MiB`)
			require.ErrorContains(t, err, "metadata.fields", "the remedy")
			assert.Nil(t, data)
			assert.Less(t, len(err.Error()), 200)

			req.Fingerprint = true
			most -= component.Size(fingerprint)
			_, err = encode(most)
			require.NoError(t, err)
			_, err = encode(most + 1)
			require.ErrorIs(t, err, credential.TooLarge, "there is no room for the fingerprint")
		})
	}
}

func TestSomeFieldsOfACredentialOverTheLimitAreAnswered(t *testing.T) {
	c := &credential.Credential{GUID: "g", Fields: credential.NewObject(
		field("large", strings.Repeat("x", 5<<20)), field("user", "u"),
	)}
	data, err := component.Encode(c, flat("user"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"user": "u"}, data)
}
