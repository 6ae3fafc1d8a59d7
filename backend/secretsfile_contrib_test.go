package backend

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	contrib "github.com/dapr/components-contrib/secretstores/local/file"

	"credential-resolver/backend/storetest"
)

// FuzzSecretsFile reads an arbitrary secrets file. If it has no fault, the names and values
// must equal contrib's.
func FuzzSecretsFile(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"b"}`, "\ufeff{\"a\":\"b\"}", `{"a":{},"b":[]}`, `{"a":{"b":{"c":"d","e":["f",{"g":"h"}]}}}`,
		`{"":{"":{"":"a"}}}`, `{"a:b":"c","d":{"e:f":"g"}}`, `{"a":1}`, `{"a":"b","a":"c"}`, `{"\ud83d\ude00":"\u00e9"}`,
		`{"a":{"b":"c"}} x`, `[]`, `"a"`, ``,
	} {
		f.Add(text, true, ":")
		f.Add(text, false, "")
		f.Add(text, false, "--")
	}
	f.Fuzz(func(t *testing.T, text string, multiValued bool, separator string) {
		path := filepath.Join(t.TempDir(), "secrets.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		fields := map[string]string{"secretsFile": path, "nestedSeparator": separator, "multiValued": "false"}
		if multiValued {
			fields["multiValued"] = "true"
		}
		file, err := newLocalFileConn(fields, storetest.DevNull(t)).load()
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for name := range file.faults {
			require.NotContains(t, file.secrets, name)
		}
		if len(file.faults) > 0 || text[0] == 0xef { // contrib rejects a byte order mark
			return
		}
		store := contrib.NewLocalSecretStore(storetest.DevNull(t))
		require.NoError(t, store.Init(t.Context(), secretstores.Metadata{Base: metadata.Base{Properties: fields}}))
		theirs, err := store.BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{})
		require.NoError(t, err)
		require.Equal(t, theirs.Data, file.secrets)
	})
}
