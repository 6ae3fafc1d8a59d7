package resolvertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// Parse parses a JSON object.
func Parse(t testing.TB, text string) credential.Object {
	t.Helper()
	o, err := credential.ParseObject([]byte(text))
	require.NoError(t, err, "parsing %s", text)
	return o
}

// JSON returns an object as compact JSON. Objects print as a fixed word, so tests need it to
// look into one.
func JSON(t testing.TB, o credential.Object) string {
	t.Helper()
	text, err := o.AppendJSON(nil)
	require.NoError(t, err)
	return string(text)
}

// Value parses a JSON value.
func Value(t testing.TB, text string) credential.Value {
	t.Helper()
	v, ok := Parse(t, `{"v":`+text+`}`).Get("v")
	require.True(t, ok)
	return v
}
