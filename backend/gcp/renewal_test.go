package gcp

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/auth"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// renewable is a provider of tokens that live an hour, unless it is down.
type renewable struct {
	down  bool
	asked int
}

func (r *renewable) Token(context.Context) (*auth.Token, error) {
	r.asked++
	if r.down {
		return nil, errors.New("down")
	}
	return &auth.Token{Value: fmt.Sprint(r.asked), Expiry: time.Now().Add(time.Hour)}, nil
}

func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &renewable{}
		life, end := context.WithCancel(t.Context())
		defer end()
		i := &identity{life: life, end: end, detect: func() (*auth.Credentials, error) {
			return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: provider}), nil
		}}
		value := func() string {
			found, err := i.token(t.Context())
			require.NoError(t, err)
			synctest.Wait() // for a renewal beside the request
			return found.Value
		}
		require.Equal(t, "1", value())
		<-time.After(56 * time.Minute)
		require.Equal(t, "1", value())
		require.Equal(t, 1, provider.asked)
		<-time.After(3 * time.Minute) // one minute before the end
		require.Equal(t, "1", value(), "no request waits for a renewal")
		require.Equal(t, "2", value())

		provider.down = true
		<-time.After(59 * time.Minute)
		for range 5 {
			require.Equal(t, "2", value(), "it is still valid")
		}
		require.Equal(t, 3, provider.asked, "one attempt in ten seconds")
		provider.down = false
		<-time.After(renewPause)
		require.Equal(t, "2", value())
		require.Equal(t, "4", value())

		provider.down = true
		<-time.After(time.Hour)
		_, err := i.token(t.Context())
		storetest.RequireKind(t, credential.Unavailable, err)
	})
}

func TestRequestDoesNotWaitLongerForATokenThanItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		hanging := auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: tokenProvider(func(ctx context.Context) (*auth.Token, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})})
		i := &identity{life: life, end: end, detect: func() (*auth.Credentials, error) { return hanging, nil }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := i.token(ctx)
		storetest.RequireKind(t, credential.Timeout, err)
		require.Equal(t, time.Second, time.Since(began))
		_, err = i.token(t.Context())
		storetest.RequireKind(t, credential.Timeout, err)
		require.Equal(t, identityTimeout, time.Since(began), "the attempt is shared, and limited")
		end()
	})
}

type tokenProvider func(ctx context.Context) (*auth.Token, error)

func (p tokenProvider) Token(ctx context.Context) (*auth.Token, error) { return p(ctx) }

func TestPanicOfTheLibraryIsAFailure(t *testing.T) {
	life, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	i := &identity{life: life, end: end, detect: func() (*auth.Credentials, error) { panic("canary") }}
	_, err := i.token(t.Context())
	storetest.RequireKind(t, credential.Unavailable, err)
}
