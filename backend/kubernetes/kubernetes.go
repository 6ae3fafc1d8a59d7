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
// contrib's own store makes one call of client-go. Its client has client-go's default limit of
// 5 requests a second, which cannot be changed: the eleventh lookup of a single-key credential
// would wait. So this package makes the call with its own client. It finds the cluster and the
// namespace as contrib does, and leaves limits and retries to package store.
//
// The API server gives the same answer for a missing Secret and a missing namespace. A second
// request finds out which of them is missing (conn.missing).
//
// A kubeconfig may name a program to log in with (exec). The program runs only if execPlugins
// is true.
func Type(execPlugins bool) store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:  metadataFields(),
		Prepare: prepare,
		Paths:   []string{"kubeconfigPath"},
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
			return connect(ctx, fields, log, execPlugins)
		},
		ValidName:    func(_ map[string]string, name string) bool { return validName(name) },
		PolicyTarget: "kubernetes",
	}
}

// metadataFields returns the metadata fields that contrib reads. contrib declares none.
func metadataFields() metadata.MetadataMap {
	return metadata.MetadataMap{"defaultNamespace": {}, "kubeconfigPath": {}}
}

// validName reports whether the API server allows the name for a Secret: lower-case words of
// letters, digits and "-", separated by dots, at most 253 characters. No Secret can have
// another name, so other names are not sent. client-go itself would refuse "/" and "%" with an
// error without a type.
func validName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

// prepare checks the namespace as far as it is known now. As in contrib, the environment
// variable takes precedence over the metadata.
func prepare(fields map[string]string) error {
	namespace := store.Field(fields, "defaultNamespace")
	if of := os.Getenv("NAMESPACE"); of != "" {
		namespace = of
	}
	namespace = strings.TrimSpace(namespace)
	if namespace != "" && len(validation.IsDNS1123Label(namespace)) > 0 {
		return errors.New("defaultNamespace, or the environment variable NAMESPACE, which takes precedence, is not a valid name of a namespace")
	}
	store.SetField(fields, "defaultNamespace", namespace)
	return nil
}
