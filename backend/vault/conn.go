package vault

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

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// conn is a store object of contrib's, and what is needed to make the next one: contrib reads
// the token's file only once, at Init.
type conn struct {
	fields    map[string]string
	tokenFile string // "" if the token is in the metadata
	log       logger.Logger
	room      *wirelimit.Room // shared by all sessions

	proof store.SharedCheck // checks that the mount is KV version 2

	mu      sync.Mutex
	session *session
	closed  bool
}

// session is contrib's store object for one token.
type session struct {
	store     secretstores.SecretStore
	token     string
	transport *store.SessionTransport
}

var _ store.SecretConn = (*conn)(nil)

// Get reads a secret. If Vault refuses the request and the token's file holds another token by
// now, Get reads it again with that token. After a timeout it replaces the connection. contrib
// has one HTTP/2 connection and sends no pings on it. If its other end is gone, every call
// would fail until the kernel gives up the connection, after a quarter of an hour.
func (c *conn) Get(ctx context.Context, name string) (map[string]string, error) {
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
			return nil, store.Failed(store.Explained("Vault refuses the token, and no other token can be used now", failure))
		}
	case errors.Is(err, credential.Timeout):
		_, _ = c.replace(ctx, s, s.token)
	}
	return entries, err
}

func (c *conn) read(ctx context.Context, s *session, name string) (map[string]string, error) {
	ctx, answer := withReply(ctx)
	path := escapedPath(name)
	resp, err := s.store.GetSecret(ctx, secretstores.GetSecretRequest{Name: path})
	if err != nil {
		if err = classify(*answer, err); store.Missing(err) {
			err = c.missing(ctx, s, name)
		}
		return nil, err
	}
	// Another server that answers 200 sends no such member. That is not an empty secret.
	if resp.Data == nil {
		return nil, store.Unavailable(errNotVault)
	}
	if c.text() {
		text := resp.Data[path]
		if !strings.HasPrefix(text, "{") {
			return nil, store.Unavailable(errNotVault)
		}
		return map[string]string{"": text}, nil // the secret itself, which contrib returns as an entry with the secret's name
	}
	return resp.Data, nil
}

// missing returns Absent if the mount is KV version 2 now. The mount may have been replaced.
// With version 1, the answer for every name looks like version 2's answer for a missing
// secret.
func (c *conn) missing(ctx context.Context, s *session, name string) error {
	err := c.proof.Do(ctx, func(ctx context.Context) error { return c.prove(ctx, s, name) })
	if err != nil {
		return err
	}
	return store.Absent()
}

// prove checks that the mount exists and is KV version 2. It needs a name that we may read.
// Only version 2 refuses a version that is not a number.
func (c *conn) prove(ctx context.Context, s *session, name string) error {
	ctx, answer := withReply(ctx)
	_, err := s.store.GetSecret(ctx, secretstores.GetSecretRequest{
		Name: escapedPath(name), Metadata: map[string]string{"version_id": "none"},
	})
	switch {
	case answer.refusesVersion():
		return nil
	case err == nil, answer.missing():
		return store.Unavailable(errKV1)
	default:
		return classify(*answer, err)
	}
}

// renew makes a session with the token that the file holds now. It returns nil if the token
// does not come from a file, or if the file still holds the refused token. The error means
// that a file cannot be read or used now.
func (c *conn) renew(ctx context.Context, refused *session) (*session, error) {
	if c.tokenFile == "" {
		return nil, nil
	}
	token, err := readToken(c.tokenFile)
	if err != nil || token == refused.token {
		return nil, err
	}
	return c.replace(ctx, refused, token)
}

// replace makes a session with a token, unless another call has already done so. It returns
// the session to use now.
func (c *conn) replace(ctx context.Context, used *session, token string) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != used && (c.session.token == token || token == used.token) {
		return c.session, nil
	}
	s, err := c.open(ctx, token)
	if err != nil {
		return nil, err
	}
	if c.closed { // nobody waits for the call any more
		s.transport.End()
		return s, nil
	}
	c.session.transport.End()
	c.session = s
	return s, nil
}

// open makes a store object for a token. It sends nothing.
func (c *conn) open(ctx context.Context, token string) (*session, error) {
	properties := maps.Clone(c.fields)
	authority, err := readAuthority(properties)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"caCert", "caPath"} {
		store.SetField(properties, name, "")
	}
	store.SetField(properties, "caPem", authority)
	store.SetField(properties, "vaultTokenMountPath", "")
	store.SetField(properties, "vaultToken", token)
	object := vault.NewHashiCorpVaultSecretStore(replyLogger{c.log})
	if err := object.Init(ctx, secretstores.Metadata{Base: metadata.Base{Properties: properties}}); err != nil {
		return nil, store.Permanent(err)
	}
	return &session{object, token, c.boundAnswers(object)}, nil
}

// boundAnswers limits how much of an answer contrib reads into memory, because it reads every
// answer to its end, even one that is not a secret. It must be called before the client sends
// anything.
func (c *conn) boundAnswers(object secretstores.SecretStore) *store.SessionTransport {
	client := *store.Private[*http.Client](object, "client")
	transport := client.Transport.(*http.Transport)
	wirelimit.Tighten(transport)
	session := store.NewSessionTransport(transport)
	client.Transport = &wirelimit.Transport{RoundTripper: session, Room: c.room}
	return session
}

func (c *conn) text() bool { return store.Field(c.fields, "vaultValueType") == "text" }

// Close closes the connections. contrib's own Close does nothing.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.session.transport.End()
	return nil
}
