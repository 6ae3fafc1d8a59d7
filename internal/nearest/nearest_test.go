package nearest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/nearest"
)

var names = []string{"configStore", "configKey", "secretStore", "unresolved"}

func TestNearestName(t *testing.T) {
	tests := map[string]struct {
		given string
		from  []string
		want  string
	}{
		"one letter wrong":                       {"configStor", names, "configStore"},
		"another case":                           {"CONFIGSTORE", names, "configStore"},
		"two letters swapped":                    {"cofnigKey", names, "configKey"},
		"the nearer of two":                      {"secretStores", names, "secretStore"},
		"the first of two that are equally near": {"bat", []string{"cat", "hat"}, "cat"},
		"the name itself":                        {"unresolved", names, "unresolved"},
		"half of the letters wrong":              {"abcd", []string{"abxy"}, "abxy"},
		"more than half of the letters wrong":    {"abcd", []string{"axyz"}, ""},
		"nothing like any":                       {"zzzzzz", names, ""},
		"the empty name":                         {"", names, ""},
		"no names to choose from":                {"configStore", nil, ""},
		"letters of several bytes each, wrong":   {"schlüsel", []string{"schlüssel"}, "schlüssel"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, nearest.Name(test.given, test.from))
		})
	}
}

func TestHintIsAQuestionOrNothing(t *testing.T) {
	require.Equal(t, ` (did you mean "configKey"?)`, nearest.Hint("configkeys", names))
	require.Empty(t, nearest.Hint("zzzzzz", names))
}
