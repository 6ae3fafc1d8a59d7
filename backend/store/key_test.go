package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

func TestGUIDIsReadFromAKey(t *testing.T) {
	long := strings.Repeat("x", 128)
	tests := map[string]struct {
		template, key, want string // want is "" if the key does not match the template
	}{
		"alone":                                 {"{guid}", "a-b_C9", "a-b_C9"},
		"of the maximum length":                 {"{guid}", long, long},
		"between":                               {"apps/x/{guid}.json", "apps/x/a.json", "a"},
		"twice":                                 {"{guid}/{guid}.json", "ab/ab.json", "ab"},
		"twice, adjoining":                      {"{guid}{guid}", "abab", "ab"},
		"three times":                           {"{guid}-{guid}-{guid}", "a-a-a", "a"},
		"with the template's own words":         {"a{guid}a", "aaaa", "aa"},
		"like the placeholder":                  {"{guid}}", "guid}", "guid"},
		"not of another case":                   {"App/{guid}", "app/a", ""},
		"not too long":                          {"{guid}", long + "x", ""},
		"not empty":                             {"a{guid}b", "ab", ""},
		"not an overlap of the template's ends": {"aba{guid}aba", "aba", ""},
		"not a shorter key":                     {"apps/x/{guid}.json", "a.json", ""},
		"not two GUIDs":                         {"{guid}/{guid}.json", "ab/ac.json", ""},
		"not two GUIDs of different lengths":    {"{guid}/{guid}.json", "ab/a.json", ""},
		"not a path below":                      {"{guid}", "a/b", ""},
		"not the reserved word bulk":            {"{guid}.json", "bulk.json", ""},
		"not with other characters":             {"{guid}", "ä", ""},
		"not the template itself":               {"{guid}", "{guid}", ""},
		"nowhere":                               {"config.json", "config.json", ""},
		"nowhere, in any key":                   {"", "a", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := KeyTemplate(test.template).GUID(test.key)
			require.Equal(t, test.want != "", ok)
			if ok {
				require.Equal(t, test.want, got)
			}
		})
	}
}

func TestLikePatternEscapesTheTemplate(t *testing.T) {
	tests := map[string]string{
		"{guid}":             `%`,
		"my_app||{guid}":     `my\_app||%`,
		`100%\{guid}_{guid}`: `100\%\\%\_%`,
	}
	for template, want := range tests {
		require.Equal(t, want, KeyTemplate(template).Like())
	}
}

func FuzzGUIDOfAKey(f *testing.F) {
	f.Add("{guid}/{guid}.json", "ab/ab.json", "ab")
	f.Add("a{guid}a", "aaaa", "a")
	f.Add("config.json", "config.json", "a")
	f.Fuzz(func(t *testing.T, template, key, guid string) {
		k := KeyTemplate(template)
		if got, ok := k.GUID(key); ok {
			require.True(t, credential.ValidGUID(got))
			require.Equal(t, key, k.Of(got))
		}
		if strings.Contains(template, GUIDPlaceholder) && credential.ValidGUID(guid) {
			got, ok := k.GUID(k.Of(guid))
			require.True(t, ok)
			require.Equal(t, guid, got)
		}
	})
}
