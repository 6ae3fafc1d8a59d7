package store

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
)

// tested are the types of a test's own.
func tested() map[string]Type[countedConn] {
	return map[string]Type[countedConn]{
		"state.test": {
			Fields:   metadata.MetadataMap{"Host": {Aliases: []string{"server"}}, "keyPath": {}},
			Required: map[string]string{"host": "name the server"},
			Prepare: func(fields map[string]string) error {
				if fields["keyPath"] == "refused" {
					return errors.New("keyPath is no path")
				}
				fields["made"] = "here"
				return nil
			},
		},
		"state.plain": {},
	}
}

func TestSpecIsRefusedWithTheRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		storeType string
		fields    map[string]string
		want      string
	}{
		"an unknown type":       {"state.tst", nil, `configStore: unknown store type "state.tst" (did you mean "state.test"?); the known types are: state.plain, state.test`},
		"an address as a type":  {"redis://canary@host", nil, `configStore: unknown store type; the known types are: state.plain, state.test`},
		"an unknown field":      {"state.test", map[string]string{"host": "h", "keyPth": "canary"}, `configStore.keyPth is not a metadata field of state.test (did you mean "keyPath"?); its fields: host, keyPath`},
		"a field of a bare one": {"state.plain", map[string]string{"a": "canary"}, `configStore.a: state.plain has no metadata fields`},
		"a field of daprd's":    {"state.test", map[string]string{"host": "h", "KeyPrefix": "canary"}, `configStore.KeyPrefix cannot be set: daprd adds the prefix, not the store: write it into configKey, as in "myapp||{guid}"`},
		"a missing field":       {"state.test", nil, `configStore.host is missing: name the server`},
		"an empty field":        {"state.test", map[string]string{"HOST": ""}, `configStore.host is missing: name the server`},
		"a field that is wrong": {"state.test", map[string]string{"host": "h", "keyPath": "refused"}, `configStore (state.test): keyPath is no path`},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Lookup(Spec{Label: "configStore", Type: test.storeType, Fields: test.fields}, tested())
			require.EqualError(t, err, test.want)
		})
	}
}

func TestFieldsOfASpecStayAsTheyAre(t *testing.T) {
	given := map[string]string{"SERVER": "", "host": "h"}
	_, fields, err := Lookup(Spec{Label: "configStore", Type: "State.Test", Fields: given}, tested())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"SERVER": "", "host": "h", "made": "here"}, fields)
	require.Equal(t, map[string]string{"SERVER": "", "host": "h"}, given)
}
