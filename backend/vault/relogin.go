package vault

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// loginAfter logs in anew, unless another call has already replaced the session. It returns the
// session to use now. Calls that need a login at the same time share one.
func (c *conn) loginAfter(ctx context.Context, refused *session) (*session, error) {
	err := c.logins.Do(ctx, func(ctx context.Context) error {
		if c.current().grant != refused.grant {
			return nil
		}
		if err := c.loginPaused(); err != nil {
			return err
		}
		s, err := c.newSession(ctx)
		if err != nil {
			return c.loginFailed(err)
		}
		c.replaceWith(s)
		return nil
	})
	return c.current(), err
}

// errNewTokenRefused returns the failure of a request whose token is refused although its login has
// just succeeded. It is Lapsed, because it is not about the secret.
func errNewTokenRefused() error {
	return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: store.Explained(
		"vault refuses the token of a login that has just succeeded: check vaultNamespace", errTokenRefused)}
}

// loginFailed begins a pause if err is a refusal, and returns err. Without the pause, each request
// would log in again.
func (c *conn) loginFailed(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.again.begin(err)
	return err
}

// loginSucceeded forgets the refusals of before.
func (c *conn) loginSucceeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.again = pause{}
}

// loginPaused returns the refusal of the last login while its pause lasts.
func (c *conn) loginPaused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.again.over()
}

// pause keeps a refusal of a login for a time that grows, because a server may lock a user who is
// refused too often.
type pause struct {
	refusal error
	until   time.Time
	times   backoff.BackOff
}

// over returns the refusal until the pause is over, then nil.
func (p *pause) over() error {
	if time.Now().Before(p.until) {
		return p.refusal
	}
	return nil
}

// begin begins a pause if err is a refusal.
func (p *pause) begin(err error) {
	if !errors.Is(err, credential.Denied) {
		return
	}
	if p.times == nil {
		p.times = store.Reconnect()
	}
	p.refusal, p.until = err, time.Now().Add(p.times.NextBackOff())
}
