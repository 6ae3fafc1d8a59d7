//go:build e2e && clients

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clientProgram is a program in test/clients that answers requests with an SDK.
type clientProgram struct {
	name  string
	start func(*testing.T, *sidecar) asker

	oneEntry       bool // it keeps one entry of an answer and does not pass metadata on
	roundsIntegers bool // its language's JSON has no integers over 2^53
}

var clients = []clientProgram{
	{name: "curl", start: startCurl},
	{name: "Go SDK 1.15.0", start: startGo},
	{name: "Python SDK 1.19.0", start: startPython},
	{name: "Java SDK 1.17.1", start: startJava},
	{name: "JavaScript SDK 3.18.0 over HTTP", start: startJavaScript("HTTP"), roundsIntegers: true},
	{name: "JavaScript SDK 3.18.0 over gRPC", start: startJavaScript("GRPC"), roundsIntegers: true, oneEntry: true},
}

// clientRequest asks a program for a credential: all of it, or some fields.
type clientRequest struct {
	Store    string            `json:"store"`
	GUID     string            `json:"guid"`
	Metadata map[string]string `json:"metadata"`
	Whole    bool              `json:"whole"`
}

// clientAnswer has one of the three fields set.
type clientAnswer struct {
	Credential string // JSON, as the language writes it
	Entries    map[string]string
	Error      clientError
}

// clientError is what a program makes of an SDK's error, with that error's details.
type clientError struct {
	Code  string
	Retry bool
	Text  string

	Exception, Status, Message string
}

// asker sends a request to a program and returns its answer.
type asker func(*testing.T, clientRequest) clientAnswer

// installed returns the path of a file that make e2e-clients installs.
func installed(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../bin/clients", path))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "make e2e-clients installs it")
	return path
}

// programs returns the absolute path of a file in test/clients.
func programs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../clients", path))
	require.NoError(t, err)
	return path
}

func startGo(t *testing.T, side *sidecar) asker {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client")
	run(t, ".", "go", "build", "-o", path, "../clients/go")
	return converse(t, side, exec.Command(path))
}

func startPython(t *testing.T, side *sidecar) asker {
	t.Helper()
	return converse(t, side, exec.Command(installed(t, "python/bin/python"), "-B", programs(t, "python/main.py")))
}

func startJava(t *testing.T, side *sidecar) asker {
	t.Helper()
	classes, libraries := t.TempDir(), installed(t, "java")+"/*"
	run(t, ".", "javac", "-cp", libraries, "-d", classes, "../clients/java/Credentials.java", "../clients/java/Main.java")
	return converse(t, side, exec.Command("java", "-cp", classes+":"+libraries, "Main"))
}

// startJavaScript runs the program in a folder with a link to the modules, where Node searches
// for them.
func startJavaScript(protocol string) func(*testing.T, *sidecar) asker {
	return func(t *testing.T, side *sidecar) asker {
		t.Helper()
		folder := t.TempDir()
		require.NoError(t, os.Symlink(installed(t, "javascript/node_modules"), filepath.Join(folder, "node_modules")))
		for _, name := range []string{"credentials.mjs", "main.mjs"} {
			text, err := os.ReadFile(programs(t, "javascript/"+name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
		}
		return converse(t, side, exec.Command("node", filepath.Join(folder, "main.mjs"), protocol))
	}
}

// environment returns the environment that tells an SDK where its sidecar is.
func environment(side *sidecar) []string {
	return append(os.Environ(),
		fmt.Sprintf("DAPR_HTTP_PORT=%d", side.daprd.HTTPPort), fmt.Sprintf("DAPR_GRPC_PORT=%d", side.daprd.GRPCPort))
}

// converse starts a program that answers each line of JSON with another line. The program exits
// when its standard input closes.
func converse(t *testing.T, side *sidecar, cmd *exec.Cmd) asker {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = environment(side), &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		require.NoError(t, cmd.Wait(), stderr.String())
	})
	lines := bufio.NewReader(out)
	return func(t *testing.T, r clientRequest) clientAnswer {
		t.Helper()
		if r.Metadata == nil {
			r.Metadata = map[string]string{}
		}
		require.NoError(t, json.NewEncoder(in).Encode(r))
		line, err := lines.ReadBytes('\n')
		require.NoError(t, err, "%s", &stderr)
		var answer clientAnswer
		require.NoError(t, json.Unmarshal(line, &answer), "%s", line)
		return answer
	}
}

// startCurl runs the script once per request and then does what the main programs of the other
// languages do.
func startCurl(_ *testing.T, side *sidecar) asker {
	return func(t *testing.T, r clientRequest) clientAnswer {
		t.Helper()
		args := []string{r.GUID}
		if r.Whole {
			args = append(args, "format=json")
		}
		for name, value := range r.Metadata {
			args = append(args, name+"="+value)
		}
		cmd := exec.Command("../clients/curl/credentials.sh", args...)
		cmd.Env = append(environment(side), "STORE="+r.Store)
		body, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			require.Equal(t, 22, exit.ExitCode(), "%s", exit.Stderr)
			return clientAnswer{Error: curlError(t, body, string(exit.Stderr))}
		}
		require.NoError(t, err)
		var entries map[string]string
		require.NoError(t, json.Unmarshal(body, &entries))
		return clientAnswer{Entries: entries, Credential: entries["_value"]}
	}
}

// ourCode matches the last code and its text in daprd's message.
var ourCode = regexp.MustCompile(`(?s).*code = (\w+) desc = (.*)`)

func curlError(t *testing.T, body []byte, stderr string) clientError {
	t.Helper()
	var said struct{ ErrorCode, Message string }
	require.NoError(t, json.Unmarshal(body, &said), "%s", body)
	e := clientError{
		Code: "Unknown", Text: said.Message, Exception: "exit status 22",
		Status: strings.TrimSpace(stderr), Message: string(body),
	}
	if found := ourCode.FindStringSubmatch(said.Message); found != nil {
		e.Code, e.Text = found[1], found[2]
	}
	e.Retry = e.Code == "Unavailable" || e.Code == "DeadlineExceeded"
	return e
}
