package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
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

// unread says why a file cannot be read, by the operating system's word and not by
// the file's name. It may come, or be made readable.
func unread(what string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Errorf("%s: %w", what, errno)
	}
	return errors.New(what + " cannot be read")
}
