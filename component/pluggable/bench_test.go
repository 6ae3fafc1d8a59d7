package pluggable_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/secretstores"
)

// BenchmarkGet measures the cost of a call over the socket with daprd's own client.
func BenchmarkGet(b *testing.B) {
	c := initialise(b, serve(b, &echoes{}, nil), "c", nil)
	req := secretstores.GetSecretRequest{Name: "hello"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetSecret(b.Context(), req); err != nil {
			require.NoError(b, err)
		}
	}
}
