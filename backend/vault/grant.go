package vault

import (
	"context"
	"time"

	"github.com/openbao/openbao/api/v2"

	"credential-resolver/backend/store"
)

// grant is the token of a login, which is renewed until it ends.
type grant struct {
	secret *api.Secret
	ended  context.Context // ends when another login has replaced the grant, or the store is closed
	end    context.CancelFunc
}

func newGrant(secret *api.Secret) *grant {
	ctx, cancel := context.WithCancel(context.Background())
	return &grant{secret, ctx, cancel}
}

// keep renews the token of a session until its renewal ends, which the client's watcher notices
// some time before the token does. Then it logs in anew, again and again until a login succeeds.
// The watcher's times have jitter.
func (c *conn) keep(s *session) {
	lease := time.Duration(s.grant.secret.Auth.LeaseDuration) * time.Second
	if lease <= 0 {
		return // the token never expires
	}
	began := time.Now()
	if !s.watch(api.RenewBehaviorIgnoreErrors) {
		return
	}
	if time.Since(began) < lease/2 { // it may not renew itself: wait until it nearly ends
		c.log.Infof("Vault refuses to renew the token of the login: allow \"update\" for auth/token/renew-self to save logins")
		if !s.watch(api.RenewBehaviorRenewDisabled) {
			return
		}
	}
	pauses := store.Reconnect()
	for {
		ctx, cancel := context.WithTimeout(s.grant.ended, store.DefaultTimeout)
		_, err := c.loginAfter(ctx, s)
		cancel()
		if err == nil {
			return
		}
		c.log.Warnf("Vault: the token ends, and no new login succeeded: %v", store.SafeWords(err))
		select {
		case <-s.grant.ended.Done():
			return
		case <-time.After(pauses.NextBackOff()):
		}
	}
}

// watch waits until the token of the session is near its end. It returns false if the grant ended
// before.
func (s *session) watch(behaviour api.RenewBehavior) bool {
	watcher, err := s.client.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: s.grant.secret, RenewBehavior: behaviour})
	if err != nil {
		return false // a refused request logs in anew
	}
	go watcher.Start()
	defer watcher.Stop()
	select {
	case <-s.grant.ended.Done():
		return false
	case <-watcher.DoneCh(): //nolint:errcheck // it has ended, with an error or not
		return true
	}
}
