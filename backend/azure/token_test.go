package azure

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestHangingEntraIDEndsWithTheDeadline(t *testing.T) {
	lonely(t)
	conn := connected(t, withSecret())
	world.Vault.Put("db", "pw")
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	release := world.Entra.Hang()
	defer release()
	// A vault that refuses a token makes the SDK get another one.
	world.Vault.Answer(http.StatusUnauthorized, azuretest.Unauthenticated, http.Header{"Www-Authenticate": {
		`Bearer authorization="https://login.microsoftonline.com/` + azuretest.Tenant + `", error="insufficient_claims", claims="e30="`,
	}})
	failed := make(chan error)
	for range 3 {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := conn.Get(ctx, "db")
			failed <- err
		}()
	}
	for range 3 {
		storetest.RequireKind(t, credential.Timeout, <-failed)
	}
	release()
	world.Vault.Reset()
	_, err = conn.Get(t.Context(), "db")
	require.NoError(t, err)
}

func TestTokenIsKeptWhileItCannotBeRenewed(t *testing.T) {
	lonely(t)
	world.Vault.Put("db", "pw")
	world.Entra.Live(299) // less than five minutes: the SDK renews it with the next request
	conn := connected(t, withSecret())
	_, err := conn.Get(t.Context(), "db")
	require.NoError(t, err)
	asked, _, _ := world.Entra.Asked()
	world.Entra.Refuse(http.StatusServiceUnavailable, "<html>canary</html>")
	before := world.Vault.Tokens()
	for range 3 {
		_, err = conn.Get(t.Context(), "db")
		require.NoError(t, err, "the token is still valid")
	}
	for _, token := range world.Vault.Tokens()[len(before):] {
		require.Equal(t, before[len(before)-1], token)
	}
	again, _, _ := world.Entra.Asked()
	require.LessOrEqual(t, again-asked, 1, "one attempt in 30 seconds")
}
