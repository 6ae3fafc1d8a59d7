package docs

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// referencesResolver resolves the config of an example.
func referencesResolver(t *testing.T, secrets map[string]map[string]string, fields string) (string, error) {
	t.Helper()
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets)
	stores.Configs.Put("example", `{"credential-resolver":{"references":"explicit"},`+fields+`}`)
	options := stores.Options()
	options.Allowed = func(name string) bool { return name != "forbidden" }
	credential, err := resolver.New(options).Resolve(context.Background(), "example")
	if err != nil {
		return "", err
	}
	return resolvertest.JSON(t, credential.Fields), nil
}

func TestTheExamplesOfReferences(t *testing.T) {
	text, err := os.ReadFile("references.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(blocks), 8)
	require.Equal(t, 1, len(blocks)%2, "want the secrets, then pairs of a config and its credential")
	var secrets map[string]map[string]string
	require.NoError(t, json.Unmarshal([]byte(blocks[0][1]), &secrets))
	for i := 1; i < len(blocks); i += 2 {
		config := strings.TrimSpace(blocks[i][1])
		got, err := referencesResolver(t, secrets, config[1:len(config)-1])
		require.NoError(t, err, config)
		assert.Equal(t, resolvertest.JSON(t, resolvertest.Parse(t, blocks[i+1][1])), got, config)
	}

	rows := regexp.MustCompile("(?m)^\\| `(\".*)` \\| `(\\w+)`: `(.*)` \\|$").FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 7)
	kinds := map[string]credential.Kind{
		"NotFound": credential.NotFound, "FailedPrecondition": credential.FailedPrecondition, "PermissionDenied": credential.Denied,
	}
	for _, row := range rows {
		_, err := referencesResolver(t, secrets, row[1])
		var failure *credential.Error
		require.True(t, errors.As(err, &failure), row[1])
		assert.Equal(t, kinds[row[2]], failure.Kind, row[1])
		assert.Equal(t, row[3], failure.Reason, row[1])
	}
}
