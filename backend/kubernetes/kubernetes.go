package kubernetes

import (
	"context"
	"errors"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// Type is secretstores.kubernetes: the Secrets of one namespace.
//
// contrib's own store is one call of client-go, by a client that it makes with
// client-go's default of 5 requests a second and no way to say otherwise: of a
// single-key credential's lookups the eleventh would wait. So this makes that
// call by a client of its own, which finds the cluster and the namespace as
// contrib does, and leaves limits and retries to this package's.
//
// A Secret that is missing and a namespace that is missing get the same answer;
// which it is, is found out beside it (conn.prove).
//
// A kubeconfig may name a program to log in by (exec). It runs only with execPlugins.
func Type(execPlugins bool) store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:  metadataFields(),
		Prepare: prepare,
		Paths:   []string{"kubeconfigPath"},
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
			return connect(ctx, fields, log, execPlugins)
		},
		ValidName: func(_ map[string]string, name string) bool { return validName(name) },
	}
}

// metadataFields are what contrib reads; it declares none.
func metadataFields() metadata.MetadataMap {
	return metadata.MetadataMap{"defaultNamespace": {}, "kubeconfigPath": {}}
}

// validName is the API server's grammar of a Secret's name: lower-case
// words of letters, digits and "-", with dots between them, 253 characters at
// most. No other Secret can be there, so nothing else is asked for; client-go
// itself refuses "/" and "%" by an error without a type.
func validName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

// prepare checks the namespace, as far as it is known by now, in the
// order of contrib: the environment goes before the metadata.
func prepare(fields map[string]string) error {
	namespace := store.Field(fields, "defaultNamespace")
	if of := os.Getenv("NAMESPACE"); of != "" {
		namespace = of
	}
	namespace = strings.TrimSpace(namespace)
	if namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		return errors.New("defaultNamespace, or the variable NAMESPACE that goes before it, is not the name of a namespace")
	}
	store.SetField(fields, "defaultNamespace", namespace)
	return nil
}
