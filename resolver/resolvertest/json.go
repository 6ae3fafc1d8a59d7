package resolvertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// Parse returns the object that a JSON text is.
func Parse(t testing.TB, text string) credential.Object {
	t.Helper()
	o, err := credential.ParseObject([]byte(text))
	require.NoError(t, err, "parsing %s", text)
	return o
}

// JSON returns an object's compact JSON text. Objects print as a fixed word, so
// this is how a test looks into one.
func JSON(t testing.TB, o credential.Object) string {
	t.Helper()
	text, err := o.AppendJSON(nil)
	require.NoError(t, err)
	return string(text)
}

// Value returns the value that a JSON text is.
func Value(t testing.TB, text string) credential.Value {
	t.Helper()
	v, ok := Parse(t, `{"v":`+text+`}`).Get("v")
	require.True(t, ok)
	return v
}
