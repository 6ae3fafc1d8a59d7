package resolver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// memory is both stores. The fakes record every call, and a benchmark would measure that too.
type memory struct {
	configs map[string][]byte
	secrets secrets
}

func (m memory) Config(_ context.Context, guid string) ([]byte, error) { return m.configs[guid], nil }

func (m memory) Secret(_ context.Context, name string) (map[string]string, error) {
	if entries, ok := m.secrets[name]; ok {
		return entries, nil
	}
	return nil, Missing()
}

const benchFields = `"host":"db.example.com","port":5432,"database":"analytics","username":"user_key",` +
	`"password":"password_key","extra":{"auth_token":"token_key","certificate":"cert_key","timeout":12.50}`

func benchEntries() map[string]string {
	return map[string]string{
		"user_key": "app_user", "password_key": "s3cret", "token_key": "token",
		"cert_key": strings.Repeat(certificate, 20),
	}
}

func BenchmarkResolveMultiKey(b *testing.B) {
	benchmarkResolve(b, `{"credentialSource":"agent","secret-path":"prod/db",`+benchFields+`}`,
		secrets{"prod/db": benchEntries()})
}

func BenchmarkResolveSingleKey(b *testing.B) {
	held := secrets{}
	for name, value := range benchEntries() {
		held[name] = map[string]string{"value": value}
	}
	benchmarkResolve(b, `{"credentialSource":"agent",`+benchFields+`}`, held)
}

func BenchmarkResolveDirect(b *testing.B) {
	benchmarkResolve(b, `{`+benchFields+`}`, secrets{guid: {"username": "app_user", "password": "s3cret"}})
}

func benchmarkResolve(b *testing.B, config string, held secrets) {
	b.Helper()
	stores := memory{map[string][]byte{guid: []byte(config)}, held}
	r := resolver.New(resolver.Options{Configs: stores, Secrets: stores})
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.Resolve(b.Context(), guid)
		require.NoError(b, err)
	}
}

func BenchmarkParseConfig(b *testing.B) {
	var large strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&large, `"field-%04d":"value-%04d",`, i, i)
	}
	for name, config := range map[string]string{
		"typical":         `{"credentialSource":"agent",` + benchFields + `}`,
		"a thousand more": `{"credentialSource":"agent",` + large.String() + benchFields + `}`,
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(config)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := credential.ParseConfig(text)
				require.NoError(b, err)
			}
		})
	}
}
