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

// peer is a process with daprd's own client for pluggable secret stores: it does what a
// test says, such as to connect again without Init, which a daprd does after half an
// hour.
type peer struct {
	ask    *json.Encoder
	answer *json.Decoder
}

// peerCall is what a peer is asked to do, and what it answers.
type (
	peerCall struct {
		Do         string // "init", "dial", "get" or "close"
		Component  string
		Properties map[string]string // of init
		Name       string            // of get
	}
	peerAnswer struct {
		Data  map[string]string
		Error string
	}
)

// peerSocket is the environment variable that makes a peer of the test binary.
const peerSocket = "CREDENTIAL_RESOLVER_PEER_SOCKET"

func isPeer() bool { return os.Getenv(peerSocket) != "" }

// peerOptions say how a peer is started.
type peerOptions struct {
	uid       uint32 // the user that it runs as; 0 for this process's
	otherPIDs bool   // it has a PID namespace of its own
}

// startPeer starts a peer of a component's socket. It ends with the test.
func startPeer(t *testing.T, socket string, o peerOptions) *peer {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	if o.uid != 0 { // who may not walk the folder that it is in
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

// do has the peer do something. It returns what the component answered, and the text
// of its error.
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

// get asks a Component for a credential.
func (p *peer) get(t *testing.T, component, guid string) (map[string]string, string) {
	t.Helper()
	return p.do(t, peerCall{Do: "get", Component: component, Name: guid})
}

// redial ends a Component's connection and makes a new one, without Init.
func (p *peer) redial(t *testing.T, component string) {
	t.Helper()
	_, failure := p.do(t, peerCall{Do: "close", Component: component})
	require.Empty(t, failure)
	_, failure = p.do(t, peerCall{Do: "dial", Component: component})
	require.Empty(t, failure)
}

// servePeer is the peer's own side: it does what is asked until that ends.
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
