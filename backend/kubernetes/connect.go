package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// connect opens the store and checks that the namespace exists. A Role can allow this check:
// see deploy/kubernetes/role.yaml.
func connect(
	ctx context.Context, fields map[string]string, log logger.Logger, execPlugins bool,
) (store.SecretConn, error) {
	muteKlog()
	ctx, cancel := context.WithTimeout(ctx, store.DefaultTimeout)
	defer cancel()
	config, namespace, err := restConfig(fields)
	if err != nil {
		return nil, err
	}
	if config.ExecProvider != nil && !execPlugins {
		return nil, store.Permanent(errExecPlugin)
	}
	c, err := newConn(config, namespace)
	if err != nil {
		return nil, err
	}
	switch err = c.seeNamespaceSettled(ctx); {
	case errors.Is(err, credential.Denied):
		store.Aloud(log).Warnf("secretstores.kubernetes: the component has no right to get the namespace, so it may fail to tell a missing secret " +
			"from a missing namespace, and then the request fails: give it the right, as in deploy/kubernetes/role.yaml")
	case errors.Is(err, errNoNamespaceThere):
		err = store.Permanent(errNoNamespaceThere)
		fallthrough
	case err != nil:
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// settling is how long connect waits for an API server that refuses everything, even to say
// whether it is ready, to learn its roles. Some clusters always refuse to say it.
const settling = 2 * time.Second

// seeNamespaceSettled checks that the namespace exists. It tries again for up to settling
// while the API server may be starting.
func (c *conn) seeNamespaceSettled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		err := c.unlessStarting(ctx, func() error { return c.seeNamespace(ctx) })
		if !errors.Is(err, credential.Denied) || !c.hidden.Load() {
			return err
		}
		select {
		case <-time.After(settling / 10):
		case <-ctx.Done():
			return err
		}
	}
}

// muteKlog keeps client-go's log out of the process's stderr. client-go has one logger for the
// whole process. A login plugin (exec) that a kubeconfig names still writes to that stderr. A
// plugin that hangs blocks the call or the attempt to connect that waits for it, because
// client-go gives it no deadline.
var muteKlog = sync.OnceFunc(func() { klog.SetSlogLogger(slog.New(slog.DiscardHandler)) })

// newConn makes a connection with its first session. It sends nothing.
func newConn(config *rest.Config, namespace string) (*conn, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1 // no limit here: storeConcurrency limits the calls
	config.UserAgent = "credential-resolver"
	config.WarningHandler = rest.NoWarnings{}
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	boundAnswers(config)
	files, err := readFiles(config)
	if err != nil {
		return nil, err
	}
	session, err := newSession(config, files)
	if err != nil {
		return nil, store.Permanent(errKubeconfig)
	}
	c := &conn{config: config, namespace: namespace, now: time.Now}
	c.session.Store(session)
	return c, nil
}

// boundAnswers limits how much of an answer client-go reads into memory, because it reads
// every answer to its end, even one that is not a Secret. All sessions share one room.
func boundAnswers(config *rest.Config) {
	room := wirelimit.NewRoom(wirelimit.RoomSize)
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper {
		return &wirelimit.Transport{RoundTripper: inner, Room: room}
	})
}
