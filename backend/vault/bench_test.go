package vault

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	contrib "github.com/dapr/components-contrib/secretstores/hashicorp/vault"

	"credential-resolver/backend/storetest"
)

// BenchmarkRead reads a secret with contrib's store and with ours, one after the other and in
// parallel.
func BenchmarkRead(b *testing.B) {
	for name, overTLS := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == mountPath {
				_, _ = io.WriteString(w, version2)
				return
			}
			writeSecret(w, r)
		}))
		if server.EnableHTTP2 = overTLS; overTLS {
			server.StartTLS()
		} else {
			server.Start()
		}
		b.Cleanup(server.Close)
		fields := map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "skipVerify": "true"}
		theirs := contrib.NewHashiCorpVaultSecretStore(storetest.DevNull(b))
		require.NoError(b, theirs.Init(b.Context(), secretstores.Metadata{Base: metadata.Base{Properties: fields}}))
		ours, err := Type().Connect(b.Context(), fields, storetest.DevNull(b))
		require.NoError(b, err)
		b.Cleanup(func() { _ = ours.Close() })
		reads := map[string]func() error{
			"contrib": func() error {
				_, err := theirs.GetSecret(b.Context(), secretstores.GetSecretRequest{Name: "a"})
				return err
			},
			"ours": func() error {
				_, err := ours.Get(b.Context(), "a")
				return err
			},
		}
		for store, read := range reads {
			b.Run(name+"/"+store, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, read())
				}
			})
		}
	}
}
