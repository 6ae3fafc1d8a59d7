package component_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
)

func TestARequestIsRead(t *testing.T) {
	cases := map[string]struct {
		metadata  map[string]string
		byDefault component.Format
		want      component.Request
	}{
		"no metadata means all fields, in the default format": {nil, component.JSON, component.Request{Format: component.JSON}},
		"format=json is JSON":                          {map[string]string{"format": "json"}, component.Flat, component.Request{Format: component.JSON}},
		"format=flat is flat":                          {map[string]string{"format": "flat"}, component.JSON, component.Request{Format: component.Flat}},
		"namespace only makes the answer flat":         {map[string]string{"namespace": "n"}, component.JSON, component.Request{Format: component.Flat, FromRuntime: true}},
		"namespace makes even format=json flat":        {map[string]string{"namespace": "", "format": "json"}, component.JSON, component.Request{Format: component.Flat, FromRuntime: true}},
		"fields are names with commas between them":    {map[string]string{"fields": "username,extra.token"}, component.Flat, component.Request{Format: component.Flat, Fields: []string{"username", "extra.token"}}},
		"fields may have spaces around them":           {map[string]string{"fields": " a , b c "}, component.Flat, component.Request{Format: component.Flat, Fields: []string{"a", "b c"}}},
		"refresh and fingerprint may be true":          {map[string]string{"refresh": "true", "fingerprint": "true"}, component.Flat, component.Request{Format: component.Flat, Refresh: true, Fingerprint: true}},
		"refresh and fingerprint may be false":         {map[string]string{"refresh": "false", "fingerprint": "false"}, component.Flat, component.Request{Format: component.Flat}},
		"explain may be true":                          {map[string]string{"explain": "true"}, component.Flat, component.Request{Format: component.Flat, Explain: true}},
		"explain may be false, also with a namespace":  {map[string]string{"explain": "false", "namespace": "n"}, component.Flat, component.Request{Format: component.Flat, FromRuntime: true}},
		"rejected is a fingerprint":                    {map[string]string{"rejected": "true"}, component.Flat, component.Request{Format: component.Flat, Rejected: "true"}},
		"a duplicate field counts once":                {map[string]string{"fields": "a,b,a"}, component.Flat, component.Request{Format: component.Flat, Fields: []string{"a", "b"}}},
		"fields, format and namespace can be combined": {map[string]string{"fields": "a", "format": "flat", "namespace": "n"}, component.JSON, component.Request{Format: component.Flat, FromRuntime: true, Fields: []string{"a"}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := component.ParseRequest("g", tc.metadata, tc.byDefault)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestARequestIsRefused(t *testing.T) {
	const empty = `metadata.fields has an empty name: write names such as "username,extra.token"`
	cases := map[string]struct{ name, value, says string }{
		"an unknown format, not repeated":     {"format", canary.Secret, `metadata.format must be "flat" or "json"`},
		"an empty format":                     {"format", "", `metadata.format must be "flat" or "json"`},
		"a format in capitals":                {"format", "JSON", `metadata.format must be "flat" or "json"`},
		"no field":                            {"fields", "", empty},
		"an empty field between others":       {"fields", "a,,b", empty},
		"an empty field at the end":           {"fields", "a,", empty},
		"a blank field":                       {"fields", "a, ", empty},
		"refresh, neither true nor false":     {"refresh", "yes", `metadata.refresh must be "true" or "false"`},
		"fingerprint, neither true nor false": {"fingerprint", canary.Secret, `metadata.fingerprint must be "true" or "false"`},
		"rejected, empty":                     {"rejected", "", "metadata.rejected is empty"},
		"explain, neither true nor false":     {"explain", "table", `metadata.explain must be "true" or "false"`},
		"an unknown name":                     {"zzz", canary.Secret, `unknown request metadata "zzz"; the known names are format, fields, refresh, fingerprint, rejected, explain, namespace`},
		"an unknown name, with the nearest":   {"formt", canary.Secret, `unknown request metadata "formt" (did you mean "format"?)`},
		"a name in the wrong case":            {"Fields", "a", `unknown request metadata "Fields" (did you mean "fields"?)`},
		"a name with control characters":      {"a\n\x1b[31m", "", `unknown request metadata "a\n\x1b[31m"`},
		"daprd's version_id":                  {"version_id", "1", `unknown request metadata "version_id"`},
		"a name with the prefix metadata.":    {"metadata.format", "json", `unknown request metadata "metadata.format"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := component.ParseRequest("some-guid", map[string]string{tc.name: tc.value}, component.Flat)
			require.ErrorIs(t, err, credential.InvalidRequest)
			require.ErrorContains(t, err, `credential "some-guid": `+tc.says)
			canary.AssertNone(t, err.Error())
		})
	}
}

func TestExplainAndNamespaceExcludeEachOther(t *testing.T) {
	_, err := component.ParseRequest("g", map[string]string{"explain": "true", "namespace": ""}, component.Flat)
	require.ErrorIs(t, err, credential.InvalidRequest)
	require.ErrorContains(t, err, "metadata.explain and metadata.namespace exclude each other: remove one of them")
}

func TestALongNameIsNotRepeatedWhole(t *testing.T) {
	name := strings.Repeat("é", 100)
	_, err := component.ParseRequest("g", map[string]string{name: ""}, component.Flat)
	require.ErrorContains(t, err, `"`+strings.Repeat("é", 32)+`…"`)
	assert.NotContains(t, err.Error(), strings.Repeat("é", 33))
}

// Section 3: a request has limits, and its size is checked first.
func TestARequestHasBounds(t *testing.T) {
	names := func(n int, name string) string { return strings.TrimSuffix(strings.Repeat(name+",", n), ",") }
	path := func(levels int) string { return strings.TrimSuffix(strings.Repeat("a.", levels), ".") }
	const (
		fields = "metadata.fields names more than 100 fields: "
		levels = "metadata.fields has a path of more than 64 levels: "
		size   = "the request has more than 16 KiB of metadata: "
	)
	for name, tc := range map[string]struct {
		metadata map[string]string
		says     string // "" means accepted
	}{
		"100 fields":               {map[string]string{"fields": names(100, "a")}, ""},
		"101 fields":               {map[string]string{"fields": names(101, "a")}, fields},
		"8,000 fields":             {map[string]string{"fields": names(8000, "a")}, fields},
		"64 levels":                {map[string]string{"fields": "b," + path(64)}, ""},
		"65 levels":                {map[string]string{"fields": "b," + path(65)}, levels},
		"levels without names":     {map[string]string{"fields": strings.Repeat(".", 64)}, levels},
		"16 KiB of values":         {map[string]string{"rejected": strings.Repeat("x", 16<<10-len("rejected"))}, ""},
		"one byte more":            {map[string]string{"rejected": strings.Repeat("x", 16<<10-len("rejected")+1)}, size},
		"16 KiB of several values": {map[string]string{"fields": path(64), "rejected": strings.Repeat("x", 16<<10-100)}, size},
		"a long name":              {map[string]string{strings.Repeat("x", 16<<10+1): ""}, size},
		"80,000 fields":            {map[string]string{"fields": names(80_000, "a"), "format": "no such format"}, size},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := component.ParseRequest("g", tc.metadata, component.Flat)
			if tc.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, credential.InvalidRequest)
			require.ErrorContains(t, err, `credential "g": `+tc.says)
			assert.Less(t, len(err.Error()), 200)
		})
	}
}
