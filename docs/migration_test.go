package docs

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
)

// goCalls contains the Go calls of migration.md, so that the compiler checks them.
func goCalls(ctx context.Context, guid, key, name string, config, source, secrets client.Credential) error {
	sidecar, err := dapr.NewClient() // github.com/dapr/go-sdk/client
	if err != nil {
		return err
	}
	credentials := client.New(sidecar, client.Options{})
	_, err1 := credentials.GetCredentials(ctx, guid)
	_, err2 := credentials.GetSecret(ctx, key, "")
	_, err3 := credentials.GetSecret(ctx, key, name)
	_, _, err4 := credentials.GetDeploymentSecret(ctx, key)
	_, err5 := credentials.SaveSecret(ctx, config)
	_ = client.ResolveCredentials(config, secrets)
	_ = client.ApplySecretValues(source, secrets)
	if err := errors.Join(err1, err2, err3, err4, err5); !errors.Is(err, client.ErrResolution) || client.Retryable(err) {
		return err
	}
	return nil
}

// TestMigrationsGoCallsExist checks that goCalls has each Go call of migration.md.
func TestMigrationsGoCallsExist(t *testing.T) {
	require.NotNil(t, goCalls)
	text, err := os.ReadFile("migration.md")
	require.NoError(t, err)
	source, err := os.ReadFile("migration_test.go")
	require.NoError(t, err)
	calls := regexp.MustCompile("`((?:credentials|client|errors)\\.\\w+\\([^`]*\\))`").FindAllSubmatch(text, -1)
	require.Len(t, calls, 9)
	for _, call := range calls {
		require.Contains(t, string(source), string(call[1]))
	}
	for line := range strings.Lines("sidecar, err := dapr.NewClient()\ncredentials := client.New(sidecar, client.Options{})\n") {
		require.Contains(t, string(text), strings.TrimSpace(line))
	}
}
