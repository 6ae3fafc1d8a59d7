package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// document returns the path of a document with an empty matrix.
func document(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stores.md")
	require.NoError(t, os.WriteFile(path, []byte("<!-- matrix: written by a test -->\n<!-- end of matrix -->\n"), 0o600))
	return path
}

// seen returns the path of a file with the observations of tests.
func seen(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stores.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
	return path
}

func TestObservationsBecomeATablePerKindOfStore(t *testing.T) {
	path := document(t)
	require.NoError(t, run(seen(t, `{"store":"state.b","failure":"hangs","code":"DeadlineExceeded"}
{"store":"state.a","failure":"down","code":"Unavailable"}
{"store":"bindings.d","failure":"down","code":"Unavailable"}
{"store":"secretstores.c","failure":"down","code":"Unavailable"}
{"store":"state.a","failure":"down","code":"Unavailable"}
`), path, "matrix"))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `
| Config stores | bindings.d | state.a | state.b |
|---|---|---|---|
| down | Unavailable | Unavailable | – |
| hangs | – | – | DeadlineExceeded |

| Secret stores | secretstores.c |
|---|---|
| down | Unavailable |
`)
}

func TestObservationsThatContradictEachOtherAreRefused(t *testing.T) {
	path := document(t)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	err = run(seen(t, `{"store":"state.a","failure":"down","code":"Unavailable"}
{"store":"state.a","failure":"down","code":"NotFound"}
`), path, "matrix")
	require.EqualError(t, err, "state.a, down: the tests saw both Unavailable and NotFound")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}
