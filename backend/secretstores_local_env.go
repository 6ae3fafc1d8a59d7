package backend

import (
	"context"
	"strings"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/components-contrib/secretstores/local/env"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// secretsLocalEnv is secretstores.local.env: the environment variables of this process that
// begin with a prefix. The prefix is required (DESIGN.md, section 2). Without it, every
// literal that happens to be a variable's name would be replaced.
func secretsLocalEnv() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Nearby: true,
		Fields: store.DeclaredFields(env.NewEnvSecretStore(nil)),
		Required: map[string]string{
			"prefix": `set a prefix, such as "SECRET_"; only environment variables that begin with it are secrets`,
		},
		ValidName: validEnvName,
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
			object := env.NewEnvSecretStore(log)
			if err := object.Init(ctx, secretstores.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, store.Permanent(err)
			}
			return &localEnvConn{object}, nil
		},
	}
}

// validEnvName excludes names that cannot be variables, and variables that contrib refuses to
// read. For those contrib returns an empty value and logs the name.
func validEnvName(fields map[string]string, name string) bool {
	prefix, _ := metadata.GetMetadataProperty(fields, "prefix")
	variable := strings.ToUpper(prefix + name)
	return !strings.ContainsAny(name, "=\x00") &&
		variable != "APP_API_TOKEN" && !strings.HasPrefix(variable, "DAPR_")
}

type localEnvConn struct{ secretstores.SecretStore }

var _ store.SecretConn = (*localEnvConn)(nil)

// Get reads a variable. For a variable that is not set, contrib returns an empty entry, which
// the resolver treats as a missing secret.
func (c *localEnvConn) Get(ctx context.Context, name string) (map[string]string, error) {
	resp, err := c.GetSecret(ctx, secretstores.GetSecretRequest{Name: name})
	if err != nil {
		return nil, store.Failed(err)
	}
	return resp.Data, nil
}
