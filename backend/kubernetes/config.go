package kubernetes

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// podNamespace is the file in a pod that holds the name of the pod's namespace.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

var (
	errKubeconfig = credential.Remedy("the kubeconfig is not valid, or its current context is incomplete: " +
		"check the file that kubeconfigPath names, else KUBECONFIG, else ~/.kube/config")
	errKubeLogin = credential.Remedy("the kubeconfig's user logs in with an auth-provider, or with a plugin (exec) of v1alpha1, " +
		"which Kubernetes' client no longer supports: use a plugin of v1, a token or a certificate")
	errExecPlugin = credential.Remedy("the kubeconfig's user logs in with a program (exec), which runs only if " +
		"the component is started with --allow-exec-plugins: use a token or a certificate, or that flag")
	errNoCluster = credential.Remedy("no Kubernetes API server is known: this is not a pod with a service account's token, " +
		"and there is no kubeconfig; set kubeconfigPath")
	errNoNamespace = credential.Remedy("the namespace of the Secrets is not known: set defaultNamespace")
)

// restConfig finds the API server and the namespace. The namespace comes from the metadata,
// else from the pod or the kubeconfig's context.
func restConfig(fields map[string]string) (*rest.Config, string, error) {
	config, namespace, err := find(store.Field(fields, "kubeconfigPath"), podConfig)
	if err != nil {
		return nil, "", err
	}
	if given := store.Field(fields, "defaultNamespace"); given != "" {
		namespace = given
	}
	if namespace == "" {
		return nil, "", store.Permanent(errNoNamespace)
	}
	return config, namespace, nil
}

// find looks in the same places as contrib: the pod's service account, then KUBECONFIG or
// ~/.kube/config. Unlike contrib, it prefers a kubeconfig named by path to the pod's service
// account. If that file does not exist, the pod's service account is used, so that a Component
// with a laptop's path also works in a cluster.
func find(path string, pod func() (*rest.Config, string, error)) (*rest.Config, string, error) {
	if path != "" {
		config, namespace, err := fileConfig(path)
		if errors.Is(err, errNoKubeconfig) {
			if config, namespace, podErr := pod(); podErr == nil {
				return config, namespace, nil
			}
		}
		return config, namespace, err
	}
	config, namespace, podErr := pod()
	if podErr == nil {
		return config, namespace, nil
	}
	config, namespace, err := fileConfig("")
	none := errors.Is(err, errNoCluster) || errors.Is(err, errNoKubeconfig)
	if none && !errors.Is(podErr, rest.ErrNotInCluster) {
		return nil, "", podErr // this is a pod, whose token may still appear
	}
	return config, namespace, err
}

func podConfig() (*rest.Config, string, error) {
	config, err := rest.InClusterConfig()
	switch {
	case errors.Is(err, rest.ErrNotInCluster):
		return nil, "", err
	case err != nil:
		return nil, "", unread("the service account's token", err)
	}
	namespace, err := store.ReadSmall(podNamespace, store.MaxTokenFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", unread("the service account's namespace", err)
	}
	return config, strings.TrimSpace(string(namespace)), nil
}

// fileConfig reads the kubeconfig at path, or those in the usual places if path is "". It does
// not pass on client-go's error messages, because they may contain parts of the file.
func fileConfig(path string) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
	}
	rules.WarnIfAllMissing = false
	rules.MigrationRules = nil // client-go would copy ~/.kube/.kubeconfig, readable by everybody
	named := path != "" || os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != ""
	if err := readable(rules.GetLoadingPrecedence(), named); err != nil {
		return nil, "", err
	}
	raw, err := rules.Load()
	if err != nil {
		return nil, "", store.Permanent(errKubeconfig)
	}
	current := raw.Contexts[raw.CurrentContext]
	switch {
	case current == nil:
		return nil, "", store.Permanent(errKubeconfig)
	case !mayLogIn(raw.AuthInfos[current.AuthInfo]):
		return nil, "", store.Permanent(errKubeLogin)
	}
	config, err := clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{}).ClientConfig()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", unread(namedFile, syscall.ENOENT)
	case errors.Is(err, fs.ErrPermission):
		return nil, "", unread(namedFile, syscall.EACCES)
	case err != nil:
		return nil, "", store.Permanent(errKubeconfig)
	}
	return config, current.Namespace, nil
}

// errNoKubeconfig means that a named kubeconfig does not exist yet.
var errNoKubeconfig = unread("the kubeconfig", syscall.ENOENT)

// readable checks that at least one of the files exists, and that those that exist can be
// read. client-go skips missing files and reports other failures only as text. If no file
// exists, the error is permanent unless somebody named a file.
func readable(paths []string, named bool) error {
	found := false
	for _, path := range paths {
		switch _, err := store.ReadSmall(path, store.MaxKubeconfig); {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			return unread("the kubeconfig", err)
		}
	}
	switch {
	case found:
		return nil
	case !named:
		return store.Permanent(errNoCluster)
	}
	return errNoKubeconfig
}

// mayLogIn reports whether client-go supports the user's way to log in. A nil user does not
// log in.
func mayLogIn(user *clientcmdapi.AuthInfo) bool {
	return user == nil || user.AuthProvider == nil && (user.Exec == nil || !strings.HasSuffix(user.Exec.APIVersion, "/v1alpha1"))
}

// namedFile describes the file of the token, the certificate, the key or the authority.
const namedFile = "a file that the kubeconfig or the pod names"

// unread returns an error that says why a file cannot be read. It contains the operating
// system's message but not the file's name. The error is not permanent: the file may appear or
// become readable.
func unread(what string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return store.Explained(credential.Remedy(what+" cannot be read"), errno)
	}
	if why := credential.RemedyOf(err); why != "" {
		return credential.Remedy(what + " cannot be read: " + why)
	}
	return credential.Remedy(what + " cannot be read")
}
