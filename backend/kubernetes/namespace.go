package kubernetes

import (
	"context"
	"errors"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// An API server answers alike for a Secret that is missing and for a namespace that
// is. To take the latter for the former would hand a reference out for a password.

var (
	errNoNamespaceThere = credential.Remedy("there is no such namespace: see defaultNamespace")
	errNamespaceEnds    = credential.Remedy("the namespace is being deleted, its secrets one by one")
	errNamespaceUnseen  = credential.Remedy("a secret is missing, or the namespace is, and we may not see which: " +
		"allow to get the namespace, as deploy/kubernetes/role.yaml does")
)

// missing says that a secret is missing, if the namespace is there now. Who may not see
// the namespace, but may read the secret by a role that is bound in it, knows it by
// that: only a role that is bound in the whole cluster holds for namespaces that do
// not exist. So it is with RBAC; an authorizer that allows namespaces by name,
// whether or not they are there, cannot be told from it.
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

// seeWitness sees that the secret that was read last, maybe by another lookup of the same
// credential, is still there.
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

// seeNamespace asks for the namespace.
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

// seeBinding asks whether a secret of that name may be read in every namespace; if
// not, the right to read it is bound in this one. An authorizer that could not make
// up its mind does not allow it either, and says so.
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

// namespaceUnseen is no failure of the API server's, which would be asked again and
// then, by the breaker, not at all: we are not allowed what we need.
func namespaceUnseen() error {
	return &credential.StoreError{Kind: credential.Denied, General: true, Err: errNamespaceUnseen}
}
