package vault

import (
	"context"
	"path"
	"strconv"
	"strings"

	"credential-resolver/backend/store"
)

var _ store.PolicyWriter = (*conn)(nil)

// Policy implements [store.PolicyWriter] with a policy for the mount's version of KV. It also
// has the rights that the component needs for its own token: they depend on authMethod.
func (c *conn) Policy(ctx context.Context, names []string) (store.Policy, error) {
	version, err := c.checkMount(ctx, c.current())
	if err != nil {
		return store.Policy{}, err
	}
	var p store.Policy
	var text strings.Builder
	text.WriteString("# The rights to read the secrets of credentials.\n")
	for _, name := range names {
		at := path.Join(c.settings.EnginePath, map[int]string{2: "data"}[version], c.settings.Prefix) + "/" + name
		if isPattern(at) {
			p.LeftOut = append(p.LeftOut, name)
			continue
		}
		writeRule(&text, at, "read")
	}
	switch {
	case c.login != nil:
		text.WriteString("\n# The rights to renew the token of a login, and to revoke it in the end.\n")
		writeRule(&text, "auth/token/renew-self", "update")
		writeRule(&text, "auth/token/revoke-self", "update")
	case c.settings.TokenFile == "":
		text.WriteString("\n# The rights to renew the token of vaultToken.\n")
		writeRule(&text, "auth/token/lookup-self", "read")
		writeRule(&text, "auth/token/renew-self", "update")
	}
	p.Text = text.String()
	return p, nil
}

func writeRule(text *strings.Builder, at, capability string) {
	text.WriteString("path " + strconv.Quote(at) + " {\n  capabilities = [" + strconv.Quote(capability) + "]\n}\n")
}

// isPattern reports whether a path in a policy means more than itself: a "*" at the end, a
// segment "+", a template, or an interpolation of HCL.
func isPattern(at string) bool {
	for segment := range strings.SplitSeq(at, "/") {
		if segment == "+" {
			return true
		}
	}
	return strings.HasSuffix(at, "*") || strings.Contains(at, "{{") || strings.Contains(at, "}}") || strings.Contains(at, "${")
}
