package vault

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/openbao/openbao/api/v2"

	"credential-resolver/backend/store"
)

// grant is a token that is renewed until it ends: that of a login, or that of the metadata.
type grant struct {
	secret *api.Secret
	ended  context.Context // ends when another login has replaced the grant, or the store is closed
	end    context.CancelFunc
}

func newGrant(secret *api.Secret) *grant {
	ctx, cancel := context.WithCancel(context.Background())
	return &grant{secret, ctx, cancel}
}

// renewOwnToken begins to renew the token of the metadata, if that is renewable and may look
// itself up. The token of a file is renewed by whoever writes the file. The session must not be in
// use yet.
func (c *conn) renewOwnToken(ctx context.Context) {
	if c.login != nil || c.settings.TokenFile != "" {
		return
	}
	s := c.current()
	a, err := s.get(ctx, "auth/token/lookup-self", nil)
	var token struct {
		Data struct {
			TTL       int  `json:"ttl"` // in seconds
			Renewable bool `json:"renewable"`
		} `json:"data"`
	}
	if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &token) != nil || !token.Data.Renewable {
		return
	}
	s.grant = newGrant(&api.Secret{Auth: &api.SecretAuth{ClientToken: s.token, LeaseDuration: token.Data.TTL, Renewable: true}})
	go c.keep(s)
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
	if !s.watch(s.grant.secret, api.RenewBehaviorIgnoreErrors) {
		return
	}
	if passed := time.Since(began); passed < lease/2 { // it may not renew itself: wait until it nearly ends
		c.log.Infof("Vault refuses to renew the token: allow \"update\" for auth/token/renew-self")
		rest := *s.grant.secret.Auth
		rest.LeaseDuration = int((lease - passed).Round(time.Second) / time.Second)
		if !s.watch(&api.Secret{Auth: &rest}, api.RenewBehaviorRenewDisabled) {
			return
		}
	}
	if c.login == nil {
		c.log.Warnf("Vault: the token of vaultToken ends, and its renewal has ended: write a new one, or set authMethod")
		return
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
func (s *session) watch(secret *api.Secret, behaviour api.RenewBehavior) bool {
	client, err := s.renewer()
	if err != nil {
		return false
	}
	watcher, err := client.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: secret, RenewBehavior: behaviour})
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
