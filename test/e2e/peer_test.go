//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	contrib "github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/test/harness"
)

// peer is a process with daprd's own client for pluggable secret stores. It does what a test
// asks for. For example, it reconnects without Init, as daprd does after half an hour without
// calls.
type peer struct {
	ask    *json.Encoder
	answer *json.Decoder
}

// peerCall is a request to a peer, and peerAnswer is its answer.
type (
	peerCall struct {
		Do         string // "init", "dial", "get" or "close"
		Component  string
		Properties map[string]string // for init
		Name       string            // for get
	}
	peerAnswer struct {
		Data  map[string]string
		Error string
	}
)

// peerSocket is the environment variable that makes the test binary run as a peer.
const peerSocket = "CREDENTIAL_RESOLVER_PEER_SOCKET"

func isPeer() bool { return os.Getenv(peerSocket) != "" }

// peerOptions are the options of a peer.
type peerOptions struct {
	uid       uint32 // its user; 0 means the user of this process
	otherPIDs bool   // it gets its own PID namespace
}

// startPeer starts a peer of a component's socket. It ends with the test.
func startPeer(t *testing.T, socket string, o peerOptions) *peer {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	if o.uid != 0 { // the other user may not be able to search the binary's folder
		link := filepath.Join(socketFolder(t), "peer")
		require.NoError(t, os.Link(self, link))
		require.NoError(t, os.Chmod(link, 0o755))
		self = link
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), peerSocket+"="+socket)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if o.uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: o.uid, Gid: o.uid}
	}
	if o.otherPIDs {
		harness.OtherPIDs(cmd.SysProcAttr)
	}
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &peer{json.NewEncoder(in), json.NewDecoder(out)}
}

// do sends a request to the peer. It returns the component's answer and the text of its error.
func (p *peer) do(t *testing.T, call peerCall) (map[string]string, string) {
	t.Helper()
	require.NoError(t, p.ask.Encode(call))
	var answer peerAnswer
	require.NoError(t, p.answer.Decode(&answer))
	return answer.Data, answer.Error
}

// init connects for a Component and initialises it.
func (p *peer) init(t *testing.T, r resource) string {
	t.Helper()
	properties := map[string]string{}
	for name, value := range r.metadata {
		properties[name] = value.(string)
	}
	_, failure := p.do(t, peerCall{Do: "init", Component: r.name, Properties: properties})
	return failure
}

// get requests a credential from a Component.
func (p *peer) get(t *testing.T, component, guid string) (map[string]string, string) {
	t.Helper()
	return p.do(t, peerCall{Do: "get", Component: component, Name: guid})
}

// redial closes a Component's connection and opens a new one, without Init.
func (p *peer) redial(t *testing.T, component string) {
	t.Helper()
	_, failure := p.do(t, peerCall{Do: "close", Component: component})
	require.Empty(t, failure)
	_, failure = p.do(t, peerCall{Do: "dial", Component: component})
	require.Empty(t, failure)
}

// servePeer is the main function of the peer. It answers requests until its input ends.
func servePeer(asked io.Reader, answers io.Writer) {
	type client interface {
		secretstores.SecretStore
		Dial(name string) error
	}
	clients := map[string]client{}
	calls, out := json.NewDecoder(asked), json.NewEncoder(answers)
	for {
		var call peerCall
		if calls.Decode(&call) != nil {
			return
		}
		c := clients[call.Component]
		if call.Do == "init" || call.Do == "dial" {
			c = daprd.NewGRPCSecretStore(logger.NewLogger("peer"), os.Getenv(peerSocket))
			clients[call.Component] = c
		}
		var answer peerAnswer
		var err error
		switch call.Do {
		case "init":
			meta := secretstores.Metadata{Base: contrib.Base{Name: call.Component, Properties: call.Properties}}
			err = c.Init(context.Background(), meta)
		case "dial":
			err = c.Dial(call.Component)
		case "get":
			var resp secretstores.GetSecretResponse
			resp, err = c.GetSecret(context.Background(), secretstores.GetSecretRequest{Name: call.Name})
			answer.Data = resp.Data
		case "close":
			err = c.Close()
		}
		if err != nil {
			answer.Error = err.Error()
		}
		_ = out.Encode(answer)
	}
}
