package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/compute/metadata"
	"golang.org/x/sync/singleflight"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

const (
	// renewBefore is how long before its end a token is renewed, at most. Up to half of it is
	// random, so that many processes do not renew in step. A metadata server gives out the same
	// token until four minutes before its end.
	renewBefore = 225 * time.Second
	// renewPause is the shortest time between two attempts to renew a token that is still valid.
	renewPause = 10 * time.Second
	// identityTimeout limits an attempt to get a token.
	identityTimeout = 10 * time.Second
	// scope is what a token may be used for. What it allows is decided by IAM.
	scope = "https://www.googleapis.com/auth/cloud-platform"
)

// token is the token of an identity, and the project that pays for its requests; "" means the
// project of the resource.
type token struct {
	*auth.Token

	quotaProject string
	renew        time.Time // when to renew it; zero: never
}

// identity gets tokens, and renews them before they end. A token that cannot be renewed is used
// until its end. Google's library alone tries only once in these minutes. Each attempt reads the
// files of the identity anew, so that a key that was replaced is noticed.
type identity struct {
	detect func() (*auth.Credentials, error)
	life   context.Context
	end    context.CancelFunc
	flight singleflight.Group

	mu    sync.Mutex
	last  token
	tried time.Time // the last attempt
}

// newIdentity returns the identity of the metadata, else the one that Google's library finds: the
// file that GOOGLE_APPLICATION_CREDENTIALS names, that of gcloud, the metadata server's. client
// asks for tokens.
func newIdentity(s settings, client *http.Client) *identity {
	life, end := context.WithCancel(context.Background())
	return &identity{life: life, end: end, detect: func() (*auth.Credentials, error) {
		options := &credentials.DetectOptions{
			Scopes: []string{scope}, Client: client,
			Logger: slog.New(slog.DiscardHandler), // with GOOGLE_SDK_GO_LOGGING_LEVEL, the library would log tokens
		}
		if s.hasKey() {
			return credentials.NewCredentialsFromJSON(credentials.ServiceAccount, s.key(), options)
		}
		return credentials.DetectDefault(options)
	}}
}

// tokenClient returns the client that asks for tokens. It keeps no connection.
func tokenClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	wirelimit.Tighten(transport)
	transport.DisableKeepAlives = true
	return &http.Client{
		Transport: transport, Timeout: identityTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// token returns a token that is valid. It waits for a new one only if there is no other.
func (i *identity) token(ctx context.Context) (token, error) {
	last, due := i.current()
	if last.Token != nil && !due {
		return last, nil
	}
	renewed := i.flight.DoChan("", i.renewed)
	if last.Token != nil {
		return last, nil
	}
	select {
	case r := <-renewed:
		if r.Err != nil {
			return token{}, identityFailure(r.Err)
		}
		return r.Val.(token), nil
	case <-ctx.Done():
		return token{}, store.Failed(ctx.Err())
	}
}

// current returns the token that is valid, or none, and whether to renew it.
func (i *identity) current() (last token, due bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if i.last.Token == nil || !i.last.Expiry.IsZero() && !now.Before(i.last.Expiry) {
		return token{}, true
	}
	return i.last, !i.last.renew.IsZero() && !now.Before(i.last.renew) && now.Sub(i.tried) >= renewPause
}

// renewed gets a new token. It does not end with the request that waits for it.
func (i *identity) renewed() (next any, err error) {
	defer func() {
		if recover() != nil { // it would end the process
			err = errNoToken
		}
	}()
	ctx, cancel := context.WithTimeout(i.life, identityTimeout)
	defer cancel()
	found, err := i.fetch(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tried = time.Now()
	if err == nil {
		i.last = found
	}
	return found, err
}

var errNoToken = errors.New("there is no token")

func (i *identity) fetch(ctx context.Context) (token, error) {
	found, err := i.detect()
	if err != nil {
		return token{}, err
	}
	t, err := found.Token(ctx)
	if err != nil {
		return token{}, err
	}
	if t.Value == "" {
		return token{}, errNoToken
	}
	next := token{Token: t}
	next.quotaProject, _ = found.QuotaProjectID(ctx) // "" if there is none
	if !t.Expiry.IsZero() {
		next.renew = t.Expiry.Add(-renewBefore/2 - rand.N(renewBefore/2)) //nolint:gosec // jitter
	}
	return next, nil
}

// refused reports that a service does not accept a token, which may have been revoked. The next
// request gets another one, unless this one is new.
func (i *identity) refused(t token) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last.Token == t.Token && time.Since(i.tried) >= renewPause {
		i.last = token{}
	}
}

const (
	errIdentity = credential.Remedy("no credentials for Google Cloud: set private_key_id, private_key and client_email, or give the " +
		"process Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS, or an attached service account)")
	errRefusedIdentity = credential.Remedy("Google refuses the identity: check that the service account and its key exist and are enabled, " +
		"and that the identity may impersonate it")
)

// identityFailure classifies a failure to get a token. A refusal is Lapsed, because it says nothing
// about the secrets.
func identityFailure(err error) error {
	switch {
	case refusesIdentity(err):
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: errRefusedIdentity}
	case errors.Is(err, context.DeadlineExceeded):
		return store.Failed(context.DeadlineExceeded)
	}
	return store.Unavailable(errIdentity)
}

// refusal matches the error of an exchange of tokens. Google's library keeps only its text.
var refusal = regexp.MustCompile(`status code 40[013]: \s*\{`)

// refusesIdentity reports whether a service for tokens refused an identity: with an error of OAuth
// (RFC 6749, section 5.2), or as one of Google's services does.
func refusesIdentity(err error) bool {
	refusals := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}
	var (
		oauth *auth.Error
		local *metadata.Error
	)
	switch {
	case errors.As(err, &oauth):
		var said struct {
			Error any `json:"error"`
		}
		return oauth.Response != nil && slices.Contains(refusals, oauth.Response.StatusCode) &&
			json.Unmarshal(oauth.Body, &said) == nil && said.Error != nil
	case errors.As(err, &local):
		return local.Code == http.StatusForbidden
	}
	return refusal.MatchString(err.Error())
}
