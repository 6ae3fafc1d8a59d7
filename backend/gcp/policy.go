package gcp

import (
	"context"
	"fmt"
	"strings"

	"credential-resolver/backend/store"
)

const policyTarget = "gcp"

var _ store.PolicyWriter = (*managerConn)(nil)

// Policy implements [store.PolicyWriter] with commands of gcloud. Each adds one binding to the policy
// of one secret: a role for the whole project would allow all secrets. A name that no secret can have
// is left out, because a shell would run it.
func (c *managerConn) Policy(_ context.Context, names []string) (store.Policy, error) {
	text := "# The identity of the component:\n" +
		"MEMBER=\"serviceAccount:NAME@" + c.project + ".iam.gserviceaccount.com\"\n"
	var out []string
	for _, name := range names {
		if !validSecretName(name) {
			out = append(out, name)
			continue
		}
		parts := strings.Split(c.resource(name), "/")
		text += fmt.Sprintf("gcloud secrets add-iam-policy-binding %s --project=%s \\\n"+
			"  --member=\"$MEMBER\" --role=roles/secretmanager.secretAccessor --condition=None\n", parts[3], parts[1])
	}
	return store.Policy{Text: text, LeftOut: out}, nil
}
