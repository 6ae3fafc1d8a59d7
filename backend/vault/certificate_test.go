package vault

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

func TestCertificateLogsInWithItsRole(t *testing.T) {
	v := newAuthServer(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Len(t, r.TLS.PeerCertificates, 1)
		v.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate, key := storetest.OwnCertificate(t)
	_, another := storetest.OwnCertificate(t)
	fields := map[string]string{
		"vaultAddr": server.URL, "skipVerify": "true", "authMethod": "cert", "role": "r",
		"clientCert": storetest.FileWith(t, certificate), "clientKey": storetest.FileWith(t, another),
	}
	_, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
	require.ErrorContains(t, err, "are not a certificate and its key")
	var final *store.PermanentError
	require.False(t, errors.As(err, &final), "the files may be replaced one after the other")

	storetest.ReplaceFile(t, fields["clientKey"], key)
	conn := connected(t, storetest.DevNull(t), fields)
	require.Equal(t, "auth/cert/login", v.path)
	require.Equal(t, map[string]any{"name": "r"}, v.body)
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

func TestCertificateOfTheServerIsChecked(t *testing.T) {
	server := httptest.NewUnstartedServer(&scriptedServer{})
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	tests := map[string]struct {
		fields map[string]string
		valid  bool
	}{
		"by its address":             {map[string]string{"caPem": ca}, true},
		"by its name":                {map[string]string{"caPem": ca, "tlsServerName": "example.com"}, true},
		"by a name of someone else":  {map[string]string{"caPem": ca, "tlsServerName": "vault.internal"}, false},
		"by an unknown authority":    {map[string]string{"skipVerify": "false"}, false},
		"not at all":                 {map[string]string{"skipVerify": "true", "tlsServerName": "vault.internal"}, true},
		"by its address, explicitly": {map[string]string{"skipVerify": "false", "caPem": ca}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.fields["vaultAddr"], test.fields["vaultToken"] = server.URL, "t"
			conn, err := Type().Connect(t.Context(), test.fields, storetest.DevNull(t))
			if !test.valid {
				var invalid *tls.CertificateVerificationError
				require.ErrorAs(t, err, &invalid)
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		})
	}
}
