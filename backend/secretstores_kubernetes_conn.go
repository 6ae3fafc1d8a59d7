package backend

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

	"credential-resolver/resolver"
)

// kubernetesConn is a client of one API server and one namespace.
type kubernetesConn struct {
	config    *rest.Config
	namespace string
	now       func() time.Time

	// seen is when the namespace was last known to be there, and ready when the API
	// server was last known to be ready; nil for never.
	seen, ready atomic.Pointer[time.Time]

	hidden  atomic.Bool // whether it refused to say whether it is ready
	session atomic.Pointer[kubernetesSession]
	mu      sync.Mutex // of who makes the next session
}

var _ secretConn = (*kubernetesConn)(nil)

var errNotKubernetes = errors.New("the answer is not that of a Kubernetes API server, or not a whole one")

// get reads a secret, once more if that may help.
func (c *kubernetesConn) get(ctx context.Context, name string) (entries map[string]string, err error) {
	err = c.unlessStarting(ctx, func() (err error) {
		entries, err = c.getOnce(ctx, name)
		return err
	})
	return entries, err
}

func (c *kubernetesConn) getOnce(ctx context.Context, name string) (map[string]string, error) {
	session := c.session.Load()
	secret, err := c.read(ctx, session, name)
	if again := c.again(session, err); again != nil {
		secret, err = c.read(ctx, again, name)
	}
	if err != nil {
		if err = c.failed(err, "secrets", name); Missing(err) {
			err = c.missing(ctx, name)
		}
		return nil, err
	}
	if secret.Name != name || secret.Namespace != c.namespace {
		return nil, unavailable(errNotKubernetes) // "{}" would be taken for an empty secret
	}
	c.sees()
	entries := make(map[string]string, len(secret.Data))
	for key, value := range secret.Data {
		entries[key] = string(value)
	}
	return entries, nil
}

func (c *kubernetesConn) read(ctx context.Context, session *kubernetesSession, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := session.Get().Namespace(c.namespace).Resource("secrets").Name(name).MaxRetries(0).Do(ctx).Into(secret)
	return secret, err
}

var errStarting = errors.New("the API server is starting")

// unlessStarting asks the API server, which answers before it knows its roles, and
// refuses everything then: a refusal counts if the server is known to have been ready
// before it was asked. Else it is asked whether it is, and then once more.
func (c *kubernetesConn) unlessStarting(ctx context.Context, ask func() error) error {
	began := c.now()
	err := ask()
	ready := c.ready.Load()
	if !errors.Is(err, resolver.Denied) || ready != nil && !ready.After(began) && began.Sub(*ready) < seenFor {
		return err
	}
	var code int
	notReady := c.session.Load().Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).StatusCode(&code).Error()
	c.hidden.Store(code == http.StatusForbidden || code == http.StatusUnauthorized)
	switch {
	case code >= http.StatusInternalServerError:
		return unavailable(errStarting)
	case notReady != nil: // which says nothing
		return err
	}
	now := c.now()
	c.ready.Store(&now)
	return ask()
}

// failed says what a failure to get something means. All of it stands in the API
// server's Status; text is not looked at.
func (c *kubernetesConn) failed(err error, kind, name string) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return c.silent(err)
	}
	s := status.Status()
	answered := errors.New("the API server answered: " + string(s.Reason))
	switch {
	case s.Reason == metav1.StatusReasonNotFound && isAbout(s.Details, kind, name):
		return absent()
	case s.Code == http.StatusForbidden, s.Code == http.StatusUnauthorized:
		refused := s.Code == http.StatusForbidden && s.Reason == metav1.StatusReasonForbidden && isAbout(s.Details, kind, name)
		return &resolver.StoreError{Kind: resolver.Denied, General: !refused, Err: answered}
	case s.Code == http.StatusGatewayTimeout:
		return &resolver.StoreError{Kind: resolver.Timeout, Err: answered}
	}
	return unavailable(answered) // 429 throttled, 5xx, and all that is not foreseen
}

// isAbout tells whether an API server says something of an object. client-go makes
// such a Status of any other answer too, and says so in it.
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

// silent says what it means that there was no answer, or none of an API server. One
// that does not come in time may never come on its connection, whose
// other end may be gone; client-go sees that after 45 s, so the connection is left
// behind as soon as nobody waits on it.
func (c *kubernetesConn) silent(err error) error {
	c.ready.Store(nil) // when it answers again, it may have been started anew
	if err = unanswered(err, errNotKubernetes); errors.Is(err, resolver.Timeout) {
		_ = c.Close()
	}
	return err
}

// Close closes the connections that nobody waits on.
func (c *kubernetesConn) Close() error {
	c.session.Load().close()
	return nil
}
