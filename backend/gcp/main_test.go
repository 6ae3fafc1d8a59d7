package gcp

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"credential-resolver/backend/gcp/gcptest"
)

// authority is the only one that the tests trust.
var authority *gcptest.Authority

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "gcp-")
	if err == nil {
		authority, err = gcptest.NewAuthority()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "ca.pem"), authority.PEM, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, value := range map[string]string{
		"SSL_CERT_FILE": filepath.Join(folder, "ca.pem"), "SSL_CERT_DIR": folder,
		"GCE_METADATA_HOST": "127.0.0.1:1", // or the first test would decide whether the library looks for the metadata server
		"HOME":              folder, "GOOGLE_APPLICATION_CREDENTIALS": "",
	} {
		_ = os.Setenv(name, value)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}
