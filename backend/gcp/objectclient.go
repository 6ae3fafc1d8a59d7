package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

const storageHost = "storage.googleapis.com"

// objectClient calls the JSON API of Cloud Storage. Google's own clients for it would decode a page
// of a listing into a structure of a kilobyte for each object, and are large.
type objectClient struct {
	base      string // the address of the service
	identity  *identity
	transport *store.SessionTransport
	client    *http.Client
}

func newObjectClient(ctx context.Context, s settings) (*objectClient, error) {
	at := s.server(storageHost)
	c := &objectClient{base: "http://" + at.host}
	if !at.plain {
		c.base, c.identity = "https://"+at.host, newIdentity(s, tokenClient())
		if _, err := c.identity.token(ctx); err != nil {
			c.identity.end()
			return nil, err
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	wirelimit.Tighten(transport)
	c.transport = store.NewSessionTransport(transport)
	c.client = &http.Client{
		Transport:     &wirelimit.Transport{RoundTripper: c.transport, Room: wirelimit.NewRoom(wirelimit.RoomSize), Opaque: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// request is a request to the service.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string // of the body
	permission   string // that the request needs
}

// send sends a request. The caller closes the body of the answer.
func (c *objectClient) send(ctx context.Context, r request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path+"?"+r.query.Encode(), bytes.NewReader(r.body))
	if err != nil {
		return nil, store.Unable(errObjectName)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	var with token
	if c.identity != nil {
		if with, err = c.identity.token(ctx); err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+with.Value)
		if with.quotaProject != "" {
			req.Header.Set("X-Goog-User-Project", with.quotaProject)
		}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	failed := objectFailure(googleapi.CheckResponse(resp), r.permission)
	if c.identity != nil && isLapsed(failed) {
		c.identity.refused(with)
	}
	return nil, failed
}

// ask sends a request, and decodes the answer.
func (c *objectClient) ask(ctx context.Context, r request, answer any) error {
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return unanswered(ctx, err)
	}
	return nil
}

// Close closes the connections.
func (c *objectClient) Close() error {
	if c.identity != nil {
		c.identity.end()
	}
	c.transport.End()
	return nil
}

// unanswered classifies a request that got no answer, or one that ended early.
func unanswered(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return store.Failed(ctx.Err())
	}
	return store.Unanswered(err, errNotGoogle)
}

// statusError is an answer with a status that is no success.
type statusError struct {
	error

	status int
}

func (e *statusError) Unwrap() error { return e.error }

// hasStatus reports whether the service answered with a status.
func hasStatus(err error, status int) bool {
	var answer *statusError
	return errors.As(err, &answer) && answer.status == status
}

const (
	errNoBucket   = credential.Remedy("the bucket does not exist: check bucket and endpoint")
	errObjectName = credential.Remedy("no object can have this name: check bucket and configKey")
	errHidden     = credential.Remedy("Cloud Storage refuses the object. It refuses an object that does not exist with the same answer, " +
		"unless the identity may list the bucket: grant roles/storage.objectViewer for the bucket")
	errObjectKMS = credential.Remedy("Cloud KMS does not decrypt the object: check that its key is enabled, and Cloud Storage's right to use it")
)

// Reasons of Cloud Storage, beside those that all services have:
// https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes
var (
	throttled = []string{"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
	noProject = []string{"accessNotConfigured", "accountDisabled", "userProjectAccountProblem", "userProjectInvalid", "userProjectMissing"}
	noWay     = []string{"insufficientPermissions", "vpcServiceControls", "countryBlocked", "sslRequired"}
)

// objectFailure classifies an answer of Cloud Storage, except that something is missing or has
// changed. Errors of downloads are plain texts.
func objectFailure(err error, permission string) error {
	var said *googleapi.Error
	if !errors.As(err, &said) {
		return store.Unavailable(errNotGoogle)
	}
	reason, text := objectReason(said)
	answer := &statusError{answered(fmt.Sprintf("status %d", said.Code), reason), said.Code}
	general := func(remedy credential.Remedy, lapsed bool) error {
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: lapsed, Err: store.Explained(remedy, answer)}
	}
	refused := said.Code == http.StatusForbidden || said.Code == http.StatusBadRequest
	ours := said.Header.Get("X-Guploader-Uploadid") != "" || len(said.Errors) > 0
	switch {
	case refused && (slices.Contains(unusableProject, reason) || slices.Contains(noProject, reason)):
		return store.Unavailable(store.Explained(errProject, answer))
	case refused && (slices.Contains(refusesUs, reason) || slices.Contains(noWay, reason)):
		return general(errPolicy, false)
	case refused && ours && (strings.Contains(text, "KMS") || strings.Contains(text, "cryptoKeys")):
		return general(errObjectKMS, false)
	case said.Code == http.StatusForbidden && strings.Contains(text, permission):
		if permission == "storage.objects.get" {
			return &credential.StoreError{Kind: credential.Denied, Err: store.Explained(errHidden, answer)}
		}
		return &credential.StoreError{Kind: credential.Denied, Err: answer}
	case said.Code == http.StatusForbidden && ours && !slices.Contains(throttled, reason):
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: answer}
	case said.Code == http.StatusUnauthorized && ours:
		return general(errToken, true)
	case !ours && said.Code != http.StatusNotModified && said.Code != http.StatusNotFound:
		return store.Unavailable(store.Explained(errNotGoogle, answer))
	}
	return store.Unavailable(answer) // throttling, faults of the service, and everything else
}

// objectReason returns the reason of an error, and its text.
func objectReason(said *googleapi.Error) (reason, text string) {
	text = said.Message
	if text == "" {
		text = said.Body
	}
	for _, detail := range said.Details {
		if info, ok := detail.(map[string]any); ok && strings.HasSuffix(fmt.Sprint(info["@type"]), "google.rpc.ErrorInfo") {
			reason, _ = info["reason"].(string)
			return reason, text
		}
	}
	if len(said.Errors) > 0 {
		reason = said.Errors[0].Reason
	}
	return reason, text
}
