package vault

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestRenewalGoesOnAfterATimeout(t *testing.T) {
	v := newAuthServer(t)
	var hangs atomic.Bool
	v.behind(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if hangs.Load() && isSecret(r) {
			<-r.Context().Done()
			return true
		}
		return false
	})
	c := connected(t, storetest.DevNull(t), approle(v)).(*conn)
	first := c.current()
	hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err := c.Get(ctx, "a")
	storetest.RequireKind(t, credential.Timeout, err)
	next := c.current()
	require.NotSame(t, first, next, "the connection is replaced")
	require.Same(t, first.grant, next.grant)
	require.NoError(t, next.grant.ended.Err())
	c.reconnect(first)
	require.Same(t, next, c.current(), "another call that timed out finds it replaced")

	hangs.Store(false)
	_, err = c.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 1, v.count(logins))
}

func TestTokenThatNeverEndsIsNotRenewed(t *testing.T) {
	v := newAuthServer(t)
	v.lease = 0
	c := connected(t, storetest.DevNull(t), approle(v)).(*conn)
	c.keep(c.current())
	require.Zero(t, v.count(renewals))
	require.Equal(t, 1, v.count(logins))
}

func TestFailedLoginsInTheBackgroundBackOff(t *testing.T) {
	v := newAuthServer(t)
	v.lease = 1
	var mu sync.Mutex
	var times []time.Time
	v.behind(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if isLogin(r) {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Now())
		}
		return false
	})
	conn := connected(t, storetest.DevNull(t), approle(v))
	v.answerLogins(`503 {"errors":["Vault is sealed"]}`)
	v.revoke()
	seen := func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return times
	}
	require.Eventually(t, func() bool { return len(seen()) >= 4 }, storetest.Long, storetest.Tick)
	require.NoError(t, conn.Close())
	require.GreaterOrEqual(t, seen()[2].Sub(seen()[1]), 250*time.Millisecond, "the shortest pause")
	require.GreaterOrEqual(t, seen()[3].Sub(seen()[2]), 375*time.Millisecond, "the next one")
}

// Only a refusal is kept for a while.
func TestLoginAfterAnOutageIsMadeAtOnce(t *testing.T) {
	v := newAuthServer(t)
	conn := connected(t, storetest.DevNull(t), approle(v))
	v.answerLogins(`503 {"errors":["Vault is sealed"]}`)
	v.revoke()
	_, err := conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	v.answerLogins("")
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

func TestPausesOfRefusedLoginsStartAgainAfterASuccess(t *testing.T) {
	v := newAuthServer(t)
	c := connected(t, storetest.DevNull(t), approle(v)).(*conn)
	v.answerLogins(`400 {"errors":["invalid role or secret ID"]}`)
	v.revoke()
	_, err := c.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	v.answerLogins("")
	require.Eventually(t, func() bool { _, err = c.Get(t.Context(), "a"); return err == nil }, storetest.Long, storetest.Tick)
	require.Equal(t, pause{}, c.again)
}

// When all tokens of a method are revoked, that of the first login may be among them.
func TestTokenOfALoginThatIsRefusedTooIsReplaced(t *testing.T) {
	v := newAuthServer(t)
	var revoking atomic.Bool
	v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !isLogin(r) || !revoking.CompareAndSwap(true, false) {
			return false
		}
		v.ServeHTTP(w, r)
		v.revoke()
		return true
	})
	conn := connected(t, storetest.DevNull(t), approle(v))
	revoking.Store(true)
	v.revoke()
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 3, v.count(logins))
}

func TestRenewableTokenOfAHiddenMountIsRenewed(t *testing.T) {
	v := newAuthServer(t)
	v.known = "theirs"
	v.behind(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != mountPath {
			return false
		}
		refuse(w, 403, `{"errors":["preflight capability check returned 403"]}`)
		return true
	})
	c := connected(t, storetest.DevNull(t), map[string]string{"vaultAddr": v.URL, "vaultToken": "theirs"}).(*conn)
	require.NotNil(t, c.current().grant)
	require.Eventually(t, func() bool { return v.count(renewals) > 0 }, storetest.Long, storetest.Tick)
}

// longer is much longer than a store waits for a server that hangs.
const longer = 30 * time.Second

func TestServerThatHangsAtTheLoginIsGivenUp(t *testing.T) {
	v := newAuthServer(t)
	v.behind(t, func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices the end of the connection after the body
		<-r.Context().Done()
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), longer)
	defer cancel()
	_, err := Type().Connect(ctx, approle(v), storetest.DevNull(t))
	storetest.RequireKind(t, credential.Timeout, err)
	require.NoError(t, ctx.Err(), "the store's own deadline comes first")
}
