//go:build e2e && (stores || cloud)

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// observation is a row of the matrix in docs/stores.md: what an application saw of a store's
// failure.
type observation struct {
	Store   string `json:"store"`
	Failure string `json:"failure"`
	Code    string `json:"code"`
}

// sees appends a row to the file named by STORE_MATRIX, if it is set.
func sees(t *testing.T, store, failure, code string) {
	t.Helper()
	t.Logf("%s: %s: %s", store, failure, code)
	path := os.Getenv("STORE_MATRIX")
	if path == "" {
		return
	}
	line, err := json.Marshal(observation{store, failure, code})
	require.NoError(t, err)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = file.Write(append(line, '\n')) // in one write, because tests run in parallel
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

var codeOf = regexp.MustCompile(`rpc error: code = (\w+) desc = credential`)

// seenCode returns the code of our error in daprd's message, or "OK".
func seenCode(t *testing.T, message string) string {
	t.Helper()
	if message == "" {
		return "OK"
	}
	match := codeOf.FindStringSubmatch(message)
	require.NotNil(t, match, message)
	return match[1]
}
