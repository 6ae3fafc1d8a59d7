package vault

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

// certificates returns the number of trusted certificates in a PEM text.
func certificates(t *testing.T, pem string) int {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	return len(pool.Subjects()) //nolint:staticcheck // it is not the system's pool
}

func TestAuthorityIsReadFromWhatTheMetadataName(t *testing.T) {
	one, _ := storetest.OwnCertificate(t)
	two, _ := storetest.OwnCertificate(t)
	folder := t.TempDir()
	// The layout of a ConfigMap that Kubernetes mounts.
	require.NoError(t, os.Mkdir(filepath.Join(folder, "..1"), 0o700))
	require.NoError(t, os.Symlink("..1", filepath.Join(folder, "..data")))
	for name, text := range map[string]string{"one.pem": one, "two.pem": two} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "..1", name), []byte(text), 0o600))
		require.NoError(t, os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)))
	}
	tests := map[string]struct {
		fields map[string]string
		want   int
	}{
		"the system":              {nil, 0},
		"a file":                  {map[string]string{"caCert": filepath.Join(folder, "one.pem")}, 1},
		"a folder before a file":  {map[string]string{"caPath": folder, "caCert": "/missing"}, 2},
		"a text before a folder":  {map[string]string{"caPem": one, "caPath": "/missing"}, 1},
		"a folder through a link": {map[string]string{"caPath": filepath.Join(folder, "..data")}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			settings, err := decode(test.fields)
			require.NoError(t, err)
			pem, err := readAuthority(settings)
			require.NoError(t, err)
			require.Equal(t, test.want, certificates(t, pem))
		})
	}
	_, err := readAuthority(settings{CAFolder: t.TempDir()})
	require.Error(t, err, "otherwise the system's authorities would be trusted")
	_, err = readAuthority(settings{CAFile: storetest.FileWith(t, "no PEM")})
	var final *store.PermanentError
	require.ErrorAs(t, err, &final)
}
