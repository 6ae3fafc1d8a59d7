package vault

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// conn reads secrets of one mount. It keeps one session at a time.
type conn struct {
	settings settings
	log      logger.Logger
	room     *wirelimit.Room // shared by all sessions
	login    *login          // nil for authMethod token

	check  store.SharedCheck // finds out the version of the mount
	seen   atomic.Int64      // the version that the last check found
	logins store.SharedCheck

	mu      sync.Mutex
	again   pause // after a refused login
	session *session
	version int // of the mount, as it is read; 0 means not known
	closed  bool
}

var (
	_ store.SecretConn = (*conn)(nil)
	_ store.Versioned  = (*conn)(nil)
)

// newConn makes the first session, which logs in if authMethod says so.
func newConn(ctx context.Context, settings settings, unwrapped *secretIDs, log logger.Logger) (*conn, error) {
	c := &conn{settings: settings, log: store.Aloud(log), room: wirelimit.NewRoom(wirelimit.RoomSize)}
	if settings.AuthMethod != methodToken {
		c.login = &login{settings, unwrapped}
	}
	s, err := c.newSession(ctx)
	if err != nil {
		return nil, err
	}
	c.replaceWith(s)
	return c, nil
}

// newSession makes a session with the token of the metadata or of the file, or of a login.
func (c *conn) newSession(ctx context.Context) (*session, error) {
	token := c.settings.Token
	if c.settings.TokenFile != "" {
		var err error
		if token, err = readToken(c.settings.TokenFile); err != nil {
			return nil, err
		}
	}
	s, err := open(c.settings, c.room)
	if err != nil {
		return nil, err
	}
	s.token = token
	if c.login == nil {
		return s, nil
	}
	secret, err := c.login.as(ctx, s)
	if err != nil {
		s.transport.End()
		return nil, err
	}
	s.token, s.grant = secret.Auth.ClientToken, newGrant(secret)
	return s, nil
}

// current returns the session to use now.
func (c *conn) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// replaceWith makes a session the current one. The session before it ends, and so does its
// grant, unless the new session goes on with it.
func (c *conn) replaceWith(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.install(s)
}

// replace is like replaceWith, but drops s, which nobody has used yet, if used is no longer the
// current session: s may be older than the one of a new login. It returns the current session.
func (c *conn) replace(used, s *session) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == used {
		c.install(s)
	}
	return c.session
}

// install makes a session the current one. The caller holds c.mu.
func (c *conn) install(s *session) {
	before := c.session
	if c.closed { // nobody waits for the call any more
		go c.finish(s)
		return
	}
	c.session = s
	if before != nil {
		before.end(s)
	}
	if s.grant != nil && (before == nil || before.grant != s.grant) {
		go c.keep(s)
	}
}

// end ends a session. next is the session that replaces it; nil if there is none.
func (s *session) end(next *session) {
	s.transport.End()
	if s.grant != nil && (next == nil || next.grant != s.grant) {
		s.grant.end()
	}
}

// Get reads the latest version of a secret.
func (c *conn) Get(ctx context.Context, name string) (map[string]string, error) {
	return c.get(ctx, secretID{name: name})
}

// GetVersion reads a version of a secret.
func (c *conn) GetVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return c.get(ctx, secretID{name, version})
}

// get reads a secret. If Vault refuses the token, get tries again with the token that the file
// holds now, or with that of a new login. After a timeout it replaces the connection: if the
// other end of an HTTP/2 connection is gone, every call on it would fail until the kernel gives
// it up, after a quarter of an hour.
func (c *conn) get(ctx context.Context, of secretID) (map[string]string, error) {
	s := c.current()
	entries, err := c.read(ctx, s, of)
	switch {
	case errors.Is(err, credential.Timeout):
		c.reconnect(s)
	case c.login != nil && errors.Is(err, errTokenRefused):
		// When all tokens of a method are revoked, that of the first login may be among them.
		for range 2 {
			if s, err = c.loginAfter(ctx, s); err != nil {
				return nil, err
			}
			if entries, err = c.read(ctx, s, of); !errors.Is(err, errTokenRefused) {
				c.loginSucceeded()
				return entries, err
			}
		}
		return nil, c.loginFailed(errNewTokenRefused())
	case errors.Is(err, credential.Denied) && c.settings.TokenFile != "":
		next, failure := c.tokenAfter(s)
		switch {
		case next != nil:
			return c.read(ctx, next, of)
		case failure != nil && isGeneral(err): // the next token may be in the file
			return nil, store.Failed(store.Explained("Vault refuses the token, and no other token can be used now", failure))
		}
	}
	return entries, err
}

// isGeneral reports whether an error is a refusal that is not about the path.
func isGeneral(err error) bool {
	var refused *credential.StoreError
	return errors.As(err, &refused) && refused.Kind == credential.Denied && refused.General
}

// tokenAfter makes a session with the token that the file holds now. It returns nil if the file
// still holds the refused token. The error means that a file cannot be read or used now.
func (c *conn) tokenAfter(refused *session) (*session, error) {
	token, err := readToken(c.settings.TokenFile)
	if err != nil || token == refused.token {
		return nil, err
	}
	before := c.current()
	if before.token == token { // another call has read it
		return before, nil
	}
	s, err := open(c.settings, c.room)
	if err != nil {
		return nil, err
	}
	s.token = token
	return c.replace(before, s), nil
}

// reconnect replaces the connections of a session, unless another call has already replaced the
// session.
func (c *conn) reconnect(used *session) {
	if c.current() != used {
		return // the files need not be read
	}
	s, err := open(c.settings, c.room)
	if err != nil {
		return // the session goes on
	}
	s.token = used.token
	s.grant = used.grant
	c.replace(used, s)
}

// Close ends the session.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	s := c.session
	c.mu.Unlock()
	c.finish(s)
	return nil
}

// revokeTimeout limits the wait for the revocation of a token when its store is closed. It is short,
// because an instance may have several stores on a server that hangs.
const revokeTimeout = time.Second / 2

// finish ends the last session, and revokes its token if we logged in for it. A token that
// cannot be revoked ends by itself.
func (c *conn) finish(s *session) {
	if s.grant != nil {
		s.grant.end() // so that nothing renews it any more
	}
	if c.login != nil {
		ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
		defer cancel()
		_, _ = s.put(ctx, s.token, "auth/token/revoke-self", nil)
	}
	s.end(nil)
}
