package harness

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// Vault is a server with Vault's API. Its data is on disk and sealed after every start. It logs
// every request.
type Vault struct {
	*Server

	root string // the administrator's token
	key  string // the unseal key
}

// VaultServer describes a server with Vault's API, by its differences from others.
type VaultServer struct {
	// Name is the product's name.
	Name string
	// Binary is its file in bin. Variable is the environment variable that names another file.
	Binary, Variable string

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
	s, err := newServer(serverSpec{
		path: binary, ready: vaultAnswers,
		files: func(s *Server) error { return writeVaultConfig(s, server.settings) },
		args:  func(s *Server) []string { return []string{"server", "-config", vaultConfig(s)} },
	})
	if err != nil {
		return nil, err
	}
	v := &Vault{Server: s}
	if err := s.Start(ctx); err != nil {
		return v, err
	}
	return v, v.initialize(ctx)
}

func vaultConfig(s *Server) string { return filepath.Join(s.Dir, "vault.hcl") }

func writeVaultConfig(s *Server, settings string) error {
	config := fmt.Sprintf(`
		storage "raft" {
			path = %q
			performance_multiplier = "1"
		}
		listener "tcp" {
			address = %q
			cluster_address = "127.0.0.1:%d"
			tls_disable = true
		}
		api_addr = "http://%s"
		cluster_addr = "http://127.0.0.1:%d"
		%s`, s.Dir, s.Address, s.more, s.Address, s.more, settings)
	return os.WriteFile(vaultConfig(s), []byte(config), 0o600)
}

func vaultAnswers(ctx context.Context, s *Server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Address+"/v1/sys/seal-status", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
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
func (v *Vault) URL() string { return "http://" + v.Address }
