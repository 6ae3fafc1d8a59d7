package backend

import (
	"context"
	"errors"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"
)

// secretsKubernetes is secretstores.kubernetes: the Secrets of one namespace.
//
// contrib's own store is one call of client-go, by a client that it makes with
// client-go's default of 5 requests a second and no way to say otherwise: of a
// single-key credential's lookups the eleventh would wait. So this makes that
// call by a client of its own, which finds the cluster and the namespace as
// contrib does, and leaves limits and retries to this package's.
//
// A Secret that is missing and a namespace that is missing get the same answer;
// which it is, is found out beside it (kubernetesConn.prove).
//
// A kubeconfig may name a program to log in by (exec). It runs only with execPlugins.
func secretsKubernetes(execPlugins bool) storeType[secretConn] {
	return storeType[secretConn]{
		fields:  kubernetesFields(),
		prepare: prepareKubernetes,
		paths:   []string{"kubeconfigPath"},
		connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (secretConn, error) {
			return connectKubernetes(ctx, fields, log, execPlugins)
		},
		validName: func(_ map[string]string, name string) bool { return validKubernetesName(name) },
	}
}

// kubernetesFields are what contrib reads; it declares none.
func kubernetesFields() metadata.MetadataMap {
	return metadata.MetadataMap{"defaultNamespace": {}, "kubeconfigPath": {}}
}

// validKubernetesName is the API server's grammar of a Secret's name: lower-case
// words of letters, digits and "-", with dots between them, 253 characters at
// most. No other Secret can be there, so nothing else is asked for; client-go
// itself refuses "/" and "%" by an error without a type.
func validKubernetesName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

// prepareKubernetes checks the namespace, as far as it is known by now, in the
// order of contrib: the environment goes before the metadata.
func prepareKubernetes(fields map[string]string) error {
	namespace := field(fields, "defaultNamespace")
	if of := os.Getenv("NAMESPACE"); of != "" {
		namespace = of
	}
	namespace = strings.TrimSpace(namespace)
	if namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		return errors.New("defaultNamespace, or the variable NAMESPACE that goes before it, is not the name of a namespace")
	}
	setField(fields, "defaultNamespace", namespace)
	return nil
}
