package backend

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/components-contrib/secretstores/hashicorp/vault"
	"github.com/dapr/kit/logger"

	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// vaultConn is a store object of contrib's and what it takes to make the next:
// contrib reads the token's file once, at Init.
type vaultConn struct {
	fields    map[string]string
	tokenFile string // "" if the token is in the metadata
	log       logger.Logger
	room      *wirelimit.Room // of all sessions

	proof sharedCheck // that the mount is one of KV version 2

	mu      sync.Mutex
	session *vaultSession
	closed  bool
}

// vaultSession is one token's store object.
type vaultSession struct {
	store     secretstores.SecretStore
	token     string
	transport *sessionTransport
}

var _ secretConn = (*vaultConn)(nil)

// get reads a secret, once more if Vault refuses and the token's file has another
// token by now. A call that ran out of time leaves its connection behind: contrib
// has one over HTTP/2 and sends no pings on it, so that one whose other end is gone
// would fail every call until the kernel gives it up, in a quarter of an hour.
func (c *vaultConn) get(ctx context.Context, name string) (map[string]string, error) {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	entries, err := c.read(ctx, s, name)
	switch {
	case errors.Is(err, credential.Denied):
		renewed, failure := c.renew(ctx, s)
		switch {
		case renewed != nil:
			return c.read(ctx, renewed, name)
		case failure != nil && refusesUs(err): // the next token may be in the file
			return nil, failed(explained("Vault refuses the token, and no other can be used for now", failure))
		}
	case errors.Is(err, credential.Timeout):
		_, _ = c.replace(ctx, s, s.token)
	}
	return entries, err
}

func (c *vaultConn) read(ctx context.Context, s *vaultSession, name string) (map[string]string, error) {
	ctx, answer := withVaultAnswer(ctx)
	path := vaultPath(name)
	resp, err := s.store.GetSecret(ctx, secretstores.GetSecretRequest{Name: path})
	if err != nil {
		if err = classifyVault(*answer, err); Missing(err) {
			err = c.missing(ctx, s, name)
		}
		return nil, err
	}
	// Anything else that answers 200 has no such member, and is no empty secret.
	if resp.Data == nil {
		return nil, unavailable(errNotVault)
	}
	if c.text() {
		text := resp.Data[path]
		if !strings.HasPrefix(text, "{") {
			return nil, unavailable(errNotVault)
		}
		return map[string]string{"": text}, nil // the secret itself: contrib names it as an entry of its own
	}
	return resp.Data, nil
}

// missing says that a secret is missing, if the mount is one of KV version 2 now: it may
// have been replaced, and version 1 answers every name as version 2 does a missing one.
func (c *vaultConn) missing(ctx context.Context, s *vaultSession, name string) error {
	err := c.proof.do(ctx, func(ctx context.Context) error { return c.prove(ctx, s, name) })
	if err != nil {
		return err
	}
	return absent()
}

// prove sees whether the mount is there and of version 2, by a name that may be
// read: version 2 alone refuses a version that is no number.
func (c *vaultConn) prove(ctx context.Context, s *vaultSession, name string) error {
	ctx, answer := withVaultAnswer(ctx)
	_, err := s.store.GetSecret(ctx, secretstores.GetSecretRequest{
		Name: vaultPath(name), Metadata: map[string]string{"version_id": "none"},
	})
	switch {
	case answer.refusesVersion():
		return nil
	case err == nil, answer.missing():
		return unavailable(errVaultKV1)
	default:
		return classifyVault(*answer, err)
	}
}

// renew makes a session with the token that the file holds now; nil if there is no file, or
// it holds the token that was refused. Its error is that a file cannot be read or used now.
func (c *vaultConn) renew(ctx context.Context, refused *vaultSession) (*vaultSession, error) {
	if c.tokenFile == "" {
		return nil, nil
	}
	token, err := readVaultToken(c.tokenFile)
	if err != nil || token == refused.token {
		return nil, err
	}
	return c.replace(ctx, refused, token)
}

// replace makes a session with a token, unless another call was quicker, and returns the
// session to use now.
func (c *vaultConn) replace(ctx context.Context, used *vaultSession, token string) (*vaultSession, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != used && (c.session.token == token || token == used.token) {
		return c.session, nil
	}
	s, err := c.open(ctx, token)
	if err != nil {
		return nil, err
	}
	if c.closed { // the call that asks for it was left behind
		s.transport.end()
		return s, nil
	}
	c.session.transport.end()
	c.session = s
	return s, nil
}

// open makes a store object. It sends nothing.
func (c *vaultConn) open(ctx context.Context, token string) (*vaultSession, error) {
	properties := maps.Clone(c.fields)
	authority, err := vaultAuthority(properties)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"caCert", "caPath"} {
		setField(properties, name, "")
	}
	setField(properties, "caPem", authority)
	setField(properties, "vaultTokenMountPath", "")
	setField(properties, "vaultToken", token)
	store := vault.NewHashiCorpVaultSecretStore(vaultWitness{c.log})
	if err := store.Init(ctx, secretstores.Metadata{Base: metadata.Base{Properties: properties}}); err != nil {
		return nil, permanent(err)
	}
	return &vaultSession{store, token, c.boundAnswers(store)}, nil
}

// boundAnswers keeps a server from having contrib hold what is no secret: it reads every
// answer to its end. The client has sent nothing yet.
func (c *vaultConn) boundAnswers(store secretstores.SecretStore) *sessionTransport {
	client := *private[*http.Client](store, "client")
	transport := client.Transport.(*http.Transport)
	wirelimit.Tighten(transport)
	session := newSessionTransport(transport)
	client.Transport = &wirelimit.Transport{RoundTripper: session, Room: c.room}
	return session
}

func (c *vaultConn) text() bool { return field(c.fields, "vaultValueType") == "text" }

// Close closes the connections: contrib's own Close does nothing.
func (c *vaultConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.session.transport.end()
	return nil
}
