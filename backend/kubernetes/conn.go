package kubernetes

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// conn is a client of one API server and one namespace.
type conn struct {
	config    *rest.Config
	namespace string
	now       func() time.Time

	// witness is the name of the secret that was read last; nil: none yet. While that secret
	// exists, the namespace exists too.
	witness atomic.Pointer[string]
	// ready is when the API server was last known to be ready; nil: unknown.
	ready atomic.Pointer[time.Time]

	// Concurrent calls share these checks: the namespace exists, the witness exists, the API
	// server is ready.
	namespaceCheck, witnessCheck, readyCheck store.SharedCheck

	hidden  atomic.Bool // the API server refused to say whether it is ready
	session atomic.Pointer[session]
	mu      sync.Mutex // guards closed and the replacement of session
	closed  bool
}

var _ store.SecretConn = (*conn)(nil)

var errNotKubernetes = credential.Remedy("the answer does not come from a Kubernetes API server, or is incomplete")

// Get reads a secret. It reads the secret again if the API server may have been starting, or
// if a login may succeed now.
func (c *conn) Get(ctx context.Context, name string) (entries map[string]string, err error) {
	err = c.unlessStarting(ctx, func() (err error) {
		entries, err = c.getOnce(ctx, name)
		return err
	})
	return entries, err
}

func (c *conn) getOnce(ctx context.Context, name string) (map[string]string, error) {
	session := c.session.Load()
	secret, err := c.read(ctx, session, name)
	switch again, unusable := c.again(session, err); {
	case unusable != nil:
		return nil, unusable
	case again != nil:
		secret, err = c.read(ctx, again, name)
	}
	if err != nil {
		if err = c.failed(err, "secrets", name); store.Missing(err) {
			err = c.missing(ctx, name)
		}
		return nil, err
	}
	if secret.Name != name || secret.Namespace != c.namespace {
		return nil, store.Unavailable(errNotKubernetes) // otherwise "{}" would count as an empty secret
	}
	c.witness.Store(&name)
	entries := make(map[string]string, len(secret.Data))
	for key, value := range secret.Data {
		entries[key] = string(value)
	}
	return entries, nil
}

func (c *conn) read(ctx context.Context, session *session, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := session.Get().Namespace(c.namespace).Resource("secrets").Name(name).MaxRetries(0).Do(ctx).Into(secret)
	return secret, err
}

var errStarting = credential.Remedy("the API server is starting")

// readyFor is how long a ready API server is assumed not to have restarted, if it is ready now
// too.
const readyFor = 10 * time.Second

// unlessStarting asks the API server. While the server starts, it answers before it knows its
// roles, and then refuses everything. So a refusal counts only if the server is ready now and
// was known to be ready before the call. If the second is unknown, unlessStarting asks again.
func (c *conn) unlessStarting(ctx context.Context, ask func() error) error {
	began := c.now()
	err := ask()
	if !errors.Is(err, credential.Denied) {
		return err
	}
	ready := c.ready.Load()
	notReady := c.readyCheck.Do(ctx, c.seeReady)
	switch {
	case errors.Is(notReady, errStarting):
		return store.Unavailable(errStarting)
	case notReady != nil, // this says nothing about the server
		ready != nil && !ready.After(began) && began.Sub(*ready) < readyFor:
		return err
	}
	return ask()
}

// seeReady checks that the API server is ready.
func (c *conn) seeReady(ctx context.Context) error {
	var code int
	err := c.session.Load().Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).StatusCode(&code).Error()
	c.hidden.Store(code == http.StatusForbidden || code == http.StatusUnauthorized)
	switch {
	case code >= http.StatusInternalServerError:
		return errStarting
	case err != nil:
		return err
	}
	now := c.now()
	c.ready.Store(&now)
	return nil
}

// failed classifies a failed request by the API server's Status alone. It does not look at
// error texts.
func (c *conn) failed(err error, kind, name string) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return c.silent(err)
	}
	s := status.Status()
	answered := errors.New("the API server answered: " + string(s.Reason))
	switch {
	case s.Reason == metav1.StatusReasonNotFound && isAbout(s.Details, kind, name):
		return store.Absent()
	case s.Code == http.StatusForbidden, s.Code == http.StatusUnauthorized:
		refused := s.Code == http.StatusForbidden && s.Reason == metav1.StatusReasonForbidden && isAbout(s.Details, kind, name)
		return &credential.StoreError{Kind: credential.Denied, General: !refused, Err: answered}
	case s.Code == http.StatusGatewayTimeout:
		return &credential.StoreError{Kind: credential.Timeout, Err: answered}
	}
	return store.Unavailable(answered) // 429 throttled, 5xx, and everything else
}

// isAbout reports whether an API server's answer is about an object. client-go makes such a
// Status from any other answer too, and marks it with a cause.
func isAbout(details *metav1.StatusDetails, kind, name string) bool {
	if details == nil || details.Kind != kind || details.Name != name {
		return false
	}
	for _, cause := range details.Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
			return false
		}
	}
	return true
}

// silent classifies the failure of a request that got no answer, or an answer that is not from
// an API server. After a timeout, the other end of the connection may be gone. client-go
// notices that only after 45 s, so the connection is closed as soon as no call uses it.
func (c *conn) silent(err error) error {
	c.ready.Store(nil) // the API server may restart before it answers again
	if err = store.Unanswered(err, errNotKubernetes); errors.Is(err, credential.Timeout) {
		c.session.Load().transport.CloseIdleConnections()
	}
	return err
}

// Close closes the connections.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.session.Load().transport.End()
	return nil
}
