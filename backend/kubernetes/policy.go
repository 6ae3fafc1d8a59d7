package kubernetes

import (
	"context"

	"sigs.k8s.io/yaml"

	"credential-resolver/backend/store"
)

var _ store.PolicyWriter = (*conn)(nil)

// The parts of a Role and a RoleBinding that a policy has. The types of k8s.io/api would also
// write empty fields.
type (
	meta struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	}
	rule struct {
		APIGroups     []string `json:"apiGroups"`
		Resources     []string `json:"resources"`
		ResourceNames []string `json:"resourceNames"`
		Verbs         []string `json:"verbs"`
	}
	role struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   meta   `json:"metadata"`
		Rules      []rule `json:"rules"`
	}
	subject struct {
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	}
	roleRef struct {
		APIGroup string `json:"apiGroup"`
		Kind     string `json:"kind"`
		Name     string `json:"name"`
	}
	roleBinding struct {
		APIVersion string    `json:"apiVersion"`
		Kind       string    `json:"kind"`
		Metadata   meta      `json:"metadata"`
		RoleRef    roleRef   `json:"roleRef"`
		Subjects   []subject `json:"subjects"`
	}
)

const (
	policyName = "credential-resolver"
	rbacGroup  = "rbac.authorization.k8s.io"
)

// Policy implements [store.PolicyWriter] with a Role, bound to the default service account of
// the namespace.
func (c *conn) Policy(_ context.Context, names []string) (store.Policy, error) {
	own := meta{policyName, c.namespace}
	allowed, err := yaml.Marshal(role{
		rbacGroup + "/v1", "Role", own,
		[]rule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: names, Verbs: []string{"get"}}},
	})
	if err != nil {
		return store.Policy{}, err
	}
	bound, err := yaml.Marshal(roleBinding{
		rbacGroup + "/v1", "RoleBinding", own,
		roleRef{rbacGroup, "Role", policyName},
		[]subject{{"ServiceAccount", "default", c.namespace}},
	})
	if err != nil {
		return store.Policy{}, err
	}
	return store.Policy{Text: "# The right to get the Secrets of credentials.\n" + string(allowed) +
		"---\n# Write the service account of your pods into subjects.\n" + string(bound)}, nil
}
