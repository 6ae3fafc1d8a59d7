package kubernetes

import (
	"context"
	"errors"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// An API server gives the same answer for a missing Secret and a missing namespace. If a
// missing namespace counted as a missing Secret, a reference would be returned as a password.

var (
	errNoNamespaceThere = credential.Remedy("there is no such namespace: see defaultNamespace")
	errNamespaceEnds    = credential.Remedy("the namespace is being deleted, with its secrets")
	errNamespaceUnseen  = credential.Remedy("either the secret or the namespace is missing, and the component has no right to see which: " +
		"give it the right to get the namespace, as in deploy/kubernetes/role.yaml")
)

// missing returns Absent if the namespace exists now.
//
// If we may not see the namespace, but may read the secret through a role that is bound in it,
// the namespace exists: only a role that is bound in the whole cluster also applies to
// namespaces that do not exist. This holds for RBAC. An authorizer that allows namespaces by
// name, whether or not they exist, looks the same.
func (c *conn) missing(ctx context.Context, name string) error {
	err := c.namespaceCheck.Do(ctx, c.seeNamespace)
	if errors.Is(err, credential.Denied) {
		err = c.seeBinding(ctx, name)
	}
	if errors.Is(err, errNamespaceUnseen) && c.witnessCheck.Do(ctx, c.seeWitness) == nil {
		err = nil
	}
	if err == nil {
		return store.Absent()
	}
	return err
}

// seeWitness checks that the secret that was read last still exists. Another lookup of the
// same credential may have read it.
func (c *conn) seeWitness(ctx context.Context) error {
	witness := c.witness.Load()
	if witness == nil {
		return errNamespaceUnseen
	}
	secret, err := c.read(ctx, c.session.Load(), *witness)
	if err == nil && (secret.Name != *witness || secret.Namespace != c.namespace) {
		err = errNotKubernetes
	}
	return err
}

// seeNamespace checks that the namespace exists and is not being deleted.
func (c *conn) seeNamespace(ctx context.Context) error {
	var namespace corev1.Namespace
	err := c.session.Load().Get().Resource("namespaces").Name(c.namespace).MaxRetries(0).Do(ctx).Into(&namespace)
	switch {
	case err != nil:
		if err = c.failed(err, "namespaces", c.namespace); store.Missing(err) {
			return store.Unavailable(errNoNamespaceThere)
		}
		return err
	case namespace.Name != c.namespace:
		return store.Unavailable(errNotKubernetes)
	case namespace.DeletionTimestamp != nil:
		return store.Unavailable(errNamespaceEnds)
	}
	return nil
}

// seeBinding asks whether we may read a secret of that name in every namespace. If not, the
// right to read it is bound in this namespace. An authorizer that could not decide also
// answers "not allowed", with an evaluation error.
func (c *conn) seeBinding(ctx context.Context, name string) error {
	attributes := authorizationv1.ResourceAttributes{Verb: "get", Version: "v1", Resource: "secrets", Name: name}
	question := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes},
	}
	var review authorizationv1.SelfSubjectAccessReview
	err := c.session.Load().Post().AbsPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").
		MaxRetries(0).Body(question).Do(ctx).Into(&review)
	if err != nil {
		if err = c.failed(err, "selfsubjectaccessreviews", ""); errors.Is(err, credential.Denied) {
			return namespaceUnseen()
		}
		return err
	}
	switch asked := review.Spec.ResourceAttributes; {
	case asked == nil || asked.Verb != "get" || asked.Resource != "secrets" || asked.Name != name || asked.Namespace != "":
		return store.Unavailable(errNotKubernetes)
	case review.Status.Allowed, review.Status.EvaluationError != "":
		return namespaceUnseen()
	}
	return nil
}

// namespaceUnseen returns an error of kind Denied, because we lack a permission. If it counted
// as a failure of the API server, it would be retried and would open the circuit breaker.
func namespaceUnseen() error {
	return &credential.StoreError{Kind: credential.Denied, General: true, Err: errNamespaceUnseen}
}
