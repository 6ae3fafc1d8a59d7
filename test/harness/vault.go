package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// Vault is a server with Vault's API. Its data is on disk and sealed after every start. It logs
// every request.
type Vault struct {
	*Server

	// CA issued the server's certificate; nil if it serves plain HTTP.
	CA *Authority

	client *http.Client
	root   string // the administrator's token
	key    string // the unseal key
}

// VaultServer describes a server with Vault's API, by its differences from others.
type VaultServer struct {
	// Name is the product's name.
	Name string
	// Binary is its file in bin. Variable is the environment variable that names another file.
	Binary, Variable string
	// TLS has it serve HTTPS.
	TLS bool

	settings string // settings that only this server knows
}

// OpenBao returns OpenBao. By default, its API cannot create audit devices.
func OpenBao() VaultServer {
	return VaultServer{Name: "OpenBao", Binary: "bao", Variable: "BAO", settings: "unsafe_allow_api_audit_creation = true"}
}

// HashiCorpVault returns Vault. By default, it locks its memory, which not every user may do.
func HashiCorpVault() VaultServer {
	return VaultServer{Name: "Vault", Binary: "vault", Variable: "VAULT", settings: "disable_mlock = true"}
}

// StartVault starts a server with the given binary. It has KV secrets engines: version 2 at
// secret/ and version 1 at kv1/.
func StartVault(ctx context.Context, server VaultServer, binary string) (*Vault, error) {
	v := &Vault{client: http.DefaultClient}
	var err error
	v.Server, err = newServer(serverSpec{
		path: binary, ready: func(ctx context.Context, _ *Server) error { return v.answers(ctx) },
		files: func(*Server) error { return v.writeConfig(server.settings) },
		args:  func(s *Server) []string { return []string{"server", "-config", vaultConfig(s)} },
	})
	if err != nil {
		return nil, err
	}
	if server.TLS {
		if err := v.makeCertificate(); err != nil {
			return v, err
		}
	}
	if err := v.Start(ctx); err != nil {
		return v, err
	}
	return v, v.initialize(ctx)
}

// makeCertificate makes the server's certificate and a client that trusts it.
func (v *Vault) makeCertificate() error {
	authority, err := NewAuthority()
	if err != nil {
		return err
	}
	v.CA = &authority
	cert, key, err := authority.Issue("vault", "127.0.0.1")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "ca.pem": authority.Certificate} {
		if err := os.WriteFile(filepath.Join(v.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(authority.Certificate))
	v.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	return nil
}

func vaultConfig(s *Server) string { return filepath.Join(s.Dir, "vault.hcl") }

func (v *Vault) writeConfig(settings string) error {
	encryption := "tls_disable = true"
	if v.CA != nil {
		encryption = fmt.Sprintf("tls_cert_file = %q\ntls_key_file = %q", filepath.Join(v.Dir, "cert.pem"), filepath.Join(v.Dir, "key.pem"))
	}
	config := fmt.Sprintf(`
		storage "raft" {
			path = %q
			performance_multiplier = "1"
		}
		listener "tcp" {
			address = %q
			cluster_address = "127.0.0.1:%d"
			%s
		}
		api_addr = %q
		cluster_addr = "http://127.0.0.1:%d"
		%s`, v.Dir, v.Address, v.more, encryption, v.URL(), v.more, settings)
	return os.WriteFile(vaultConfig(v.Server), []byte(config), 0o600)
}

func (v *Vault) answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL()+"/v1/sys/seal-status", nil)
	if err != nil {
		return err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (v *Vault) initialize(ctx context.Context) error {
	var made struct {
		Keys []string
		Root string `json:"root_token"`
	}
	shares := map[string]any{"secret_shares": 1, "secret_threshold": 1}
	if err := v.call(ctx, http.MethodPut, "sys/init", shares, &made); err != nil {
		return err
	}
	v.key, v.root = made.Keys[0], made.Root
	if err := v.Unseal(ctx); err != nil {
		return err
	}
	audit := map[string]any{"type": "file", "options": map[string]string{"file_path": v.auditFile()}}
	if err := v.Do(ctx, http.MethodPut, "sys/audit/requests", audit); err != nil {
		return err
	}
	for path, version := range map[string]string{"secret": "2", "kv1": "1"} {
		if err := v.Mount(ctx, path, version); err != nil {
			return err
		}
	}
	return nil
}

// Unseal unseals a server that was started or sealed, and waits until it is usable.
func (v *Vault) Unseal(ctx context.Context) error {
	if err := v.Do(ctx, http.MethodPut, "sys/unseal", map[string]any{"key": v.key}); err != nil {
		return err
	}
	return v.await(ctx, func() bool { return v.Do(ctx, http.MethodGet, "sys/health", nil) == nil })
}

// URL returns the server's address.
func (v *Vault) URL() string {
	if v.CA != nil {
		return "https://" + v.Address
	}
	return "http://" + v.Address
}
