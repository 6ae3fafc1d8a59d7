package backend

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
)

// podNamespace is where a pod finds the name of its own namespace.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

var (
	errKubeconfig = errors.New("the kubeconfig is not one, or has no current context that is whole: " +
		"kubeconfigPath, else KUBECONFIG, else ~/.kube/config, names its file")
	errNoCluster = errors.New("there is no Kubernetes to ask: this is no pod with a service account's token, " +
		"and there is no kubeconfig; name one by kubeconfigPath")
	errNoNamespace = errors.New("in which namespace the Secrets are is not known: set defaultNamespace")
)

// kubernetesConfig finds the API server and the namespace. As in contrib: a pod's
// service account, else KUBECONFIG or ~/.kube/config; a kubeconfigPath that is set
// goes before all of them. The namespace is that of the metadata, else the pod's
// own or the one that the kubeconfig's context names.
func kubernetesConfig(fields map[string]string) (*rest.Config, string, error) {
	path := field(fields, "kubeconfigPath")
	config, namespace, err := podConfig()
	if path != "" || errors.Is(err, rest.ErrNotInCluster) {
		config, namespace, err = fileConfig(path)
	}
	if err != nil {
		return nil, "", err
	}
	if given := field(fields, "defaultNamespace"); given != "" {
		namespace = given
	}
	if namespace == "" {
		return nil, "", permanent(errNoNamespace)
	}
	return config, namespace, nil
}

func podConfig() (*rest.Config, string, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, "", err
	}
	namespace, err := os.ReadFile(podNamespace)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	return config, strings.TrimSpace(string(namespace)), nil
}

// fileConfig reads a kubeconfig; path is "" for the usual ones. A file that is not
// there yet may come; client-go's words for any other failure may hold what is in
// the file.
func fileConfig(path string) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
	}
	rules.WarnIfAllMissing = false
	raw, err := rules.Load()
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing):
		return nil, "", missing
	case err != nil:
		return nil, "", permanent(errKubeconfig)
	case len(raw.Contexts) == 0 && path == "":
		return nil, "", permanent(errNoCluster)
	}
	loader := clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{})
	config, err := loader.ClientConfig()
	switch {
	case errors.Is(err, fs.ErrNotExist): // a certificate's file
		return nil, "", fs.ErrNotExist
	case err != nil:
		return nil, "", permanent(errKubeconfig)
	}
	return config, raw.Contexts[raw.CurrentContext].Namespace, nil
}

// connectKubernetes opens the store and asks whether the namespace is there, which
// a Role can allow: see deploy/kubernetes/role.yaml.
func connectKubernetes(ctx context.Context, fields map[string]string, log logger.Logger) (secretConn, error) {
	muteKlog()
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	config, namespace, err := kubernetesConfig(fields)
	if err != nil {
		return nil, err
	}
	c, err := newKubernetesConn(config, namespace)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the authority's certificate
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, permanent(errKubeconfig)
	}
	err = c.seeNamespace(ctx)
	switch {
	case errors.Is(err, resolver.Denied):
		aloud(log).Warnf("secretstores.kubernetes: we may not get the namespace, as deploy/kubernetes/role.yaml allows: " +
			"whether a secret is missing or the namespace is may not be seen then, and fails the request")
	case errors.Is(err, errNoNamespaceThere):
		err = permanent(errNoNamespaceThere)
		fallthrough
	case err != nil:
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// muteKlog keeps client-go from writing to the process's stderr. It has one logger
// for the process.
var muteKlog = sync.OnceFunc(func() { klog.SetSlogLogger(slog.New(slog.DiscardHandler)) })

// newKubernetesConn makes a client. It sends nothing.
func newKubernetesConn(config *rest.Config, namespace string) (*kubernetesConn, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1 // no limit: it is storeConcurrency's
	config.UserAgent = "credential-resolver"
	config.WarningHandler = rest.NoWarnings{}
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c := &kubernetesConn{config: config, namespace: namespace, now: time.Now}
	return c, c.open()
}

// open makes a client in the place of another. client-go keeps one transport for all
// clients of the same configuration, so that many leave nothing behind.
func (c *kubernetesConn) open() error {
	client, err := rest.RESTClientFor(c.config)
	if err == nil {
		c.client.Store(client)
	}
	return err
}
