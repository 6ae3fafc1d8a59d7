package session

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
)

// script asks the test to run a command. It needs curl.
const script = `#!/bin/sh
n=$#
while [ $n -gt 0 ]; do set -- "$@" --data-urlencode "arg=$1"; shift; n=$((n-1)); done
exec curl -sS --fail-with-body --unix-socket '%s' "$@" http://session/
`

// Add adds a command that the test runs in its own process, such as one that starts and stops a
// program of the test. It prints the text that run returns. An error is printed too, and makes
// the command fail.
func (s *Shell) Add(name string, run func(args []string) (string, error)) {
	s.t.Helper()
	folder, err := os.MkdirTemp("", "session-") // short enough for a socket
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", socket)
	require.NoError(s.t, err)
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
	s.t.Cleanup(func() { _ = server.Close() })
	require.NoError(s.t, os.WriteFile(filepath.Join(folder, name), fmt.Appendf(nil, script, socket), 0o755))
	_, status := s.Run(fmt.Sprintf("PATH=%q:$PATH", folder))
	require.Zero(s.t, status)
}
