package component_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/audit"
)

// BenchmarkGet requests a credential from the component without its socket, with the default
// config store. A hit is answered from the cache. A miss reads one config from SQLite and one
// bundle from a file.
func BenchmarkGet(b *testing.B) {
	b.Run("hit", func(b *testing.B) { benchmarkGet(b, "1h", newMetrics()) })
	b.Run("miss", func(b *testing.B) { benchmarkGet(b, "0s", newMetrics()) })
}

func newMetrics() component.Observer { return component.NewMetrics(prometheus.NewRegistry()) }

func benchmarkGet(b *testing.B, ttl string, observers ...component.Observer) {
	b.Helper()
	benchmarkAudited(b, ttl, nil, observers...)
}

// benchmarkAudited is benchmarkGet with an audit log; nil: none.
func benchmarkAudited(b *testing.B, ttl string, log *audit.Writer, observers ...component.Observer) {
	b.Helper()
	folder := b.TempDir()
	b.Setenv("XDG_DATA_HOME", folder)
	secrets := filepath.Join(folder, "secrets.json")
	require.NoError(b, os.WriteFile(secrets, []byte(`{"bundle":{"pw":"s3cr3t","cert":"-----BEGIN-----"}}`), 0o600))
	properties := map[string]string{
		"secretStore": "secretstores.local.file", "secretStore.secretsFile": secrets, "secretStore.multiValued": "true",
		"cacheTTL": ttl,
	}
	settings, err := component.ParseMetadata(properties)
	require.NoError(b, err)
	messages := logger.NewLogger("bench")
	stores, err := component.Open(context.Background(), settings, store.Options{Logger: messages})
	require.NoError(b, err)
	require.NoError(b, stores.Configs.Put(context.Background(), "c", []byte(
		`{"credentialSource":"agent","secret-path":"bundle","host":"h","port":5432,"user":"u","password":"pw","cert":"cert"}`)))
	require.NoError(b, stores.Close())

	made := component.New(component.Options{
		Logger: messages, Observers: observers, Audit: log,
		Open: component.Backends(store.Options{Logger: messages}),
	})
	b.Cleanup(made.Close)
	object := made.NewSecretStore()
	require.NoError(b, object.Init(context.Background(), secretstores.Metadata{Base: metadata.Base{Properties: properties}}))
	b.Cleanup(func() { require.NoError(b, object.Close()) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := object.GetEncoded(context.Background(), secretstores.GetSecretRequest{Name: "c"}); err != nil {
			b.Fatal(err)
		}
	}
}
