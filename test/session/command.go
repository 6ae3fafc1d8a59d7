package session

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script asks the test to run a command. It needs curl.
const script = `#!/bin/sh
n=$#
while [ $n -gt 0 ]; do set -- "$@" --data-urlencode "arg=$1"; shift; n=$((n-1)); done
exec curl -sS --fail-with-body --unix-socket '%s' "$@" http://session/
`

// AddCommand adds a command to a folder, which the session must have in its PATH. The test runs the
// command in its own process, for example to start and stop a program of the test. The command prints
// the text that run returns. An error is printed too, and makes the command fail.
func AddCommand(t *testing.T, folder, name string, run func(args []string) (string, error)) {
	t.Helper()
	sockets, err := os.MkdirTemp("", "session-") // short enough for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	socket := filepath.Join(sockets, "socket")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		output, err := run(r.PostForm["arg"])
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			output += err.Error() + "\n"
		}
		_, _ = fmt.Fprint(w, output)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), fmt.Appendf(nil, script, socket), 0o755))
}
