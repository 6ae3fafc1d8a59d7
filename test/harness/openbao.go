package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// OpenBao is an OpenBao server, which is Vault by its API. Its data are on disk
// and sealed after every start, and it writes down every request.
type OpenBao struct {
	*Server

	root string // the administrator's token
	key  string // unseals it
}

// StartOpenBao starts an OpenBao by its binary, with the KV secrets engine of
// version 2 at secret/, of version 1 at kv1/.
func StartOpenBao(ctx context.Context, binary string) (*OpenBao, error) {
	s, err := newServer(serverSpec{
		path: binary, ready: openBaoAnswers,
		args: func(s *Server) []string { return []string{"server", "-config", filepath.Join(s.Dir, "bao.hcl")} },
	})
	if err != nil {
		return nil, err
	}
	b := &OpenBao{Server: s}
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
		audit "file" "requests" {
			options { file_path = %q }
		}
		api_addr = %q
		cluster_addr = "http://127.0.0.1:%d"`, s.Dir, s.Address, s.more, b.auditFile(), b.URL(), s.more)
	if err := os.WriteFile(filepath.Join(s.Dir, "bao.hcl"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := s.Restart(ctx); err != nil {
		return b, err
	}
	return b, b.initialize(ctx)
}

func openBaoAnswers(ctx context.Context, s *Server) error {
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

func (b *OpenBao) initialize(ctx context.Context) error {
	var made struct {
		Keys []string
		Root string `json:"root_token"`
	}
	shares := map[string]any{"secret_shares": 1, "secret_threshold": 1}
	if err := b.call(ctx, http.MethodPut, "sys/init", shares, &made); err != nil {
		return err
	}
	b.key, b.root = made.Keys[0], made.Root
	if err := b.Unseal(ctx); err != nil {
		return err
	}
	for path, version := range map[string]string{"secret": "2", "kv1": "1"} {
		if err := b.Mount(ctx, path, version); err != nil {
			return err
		}
	}
	return nil
}

// Mount adds the KV secrets engine of a version, and waits until it serves:
// version 2 makes ready first.
func (b *OpenBao) Mount(ctx context.Context, path, version string) error {
	mount := map[string]any{"type": "kv", "options": map[string]string{"version": version}}
	if err := b.Do(ctx, http.MethodPost, "sys/mounts/"+path, mount); err != nil || version != "2" {
		return err
	}
	return b.await(ctx, func() bool { return b.Do(ctx, http.MethodGet, path+"/config", nil) == nil })
}

// Unseal makes a server that was started or sealed usable, and waits until it is.
func (b *OpenBao) Unseal(ctx context.Context) error {
	if err := b.Do(ctx, http.MethodPut, "sys/unseal", map[string]any{"key": b.key}); err != nil {
		return err
	}
	return b.await(ctx, func() bool { return b.Do(ctx, http.MethodGet, "sys/health", nil) == nil })
}

// Do makes a request of the administrator's; body is nil for none.
func (b *OpenBao) Do(ctx context.Context, method, path string, body any) error {
	return b.call(ctx, method, path, body, nil)
}

// Token makes a token with the policies, and without the default one.
func (b *OpenBao) Token(ctx context.Context, policies ...string) (string, error) {
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	err := b.call(ctx, http.MethodPost, "auth/token/create",
		map[string]any{"policies": policies, "no_default_policy": true}, &made)
	return made.Auth.Token, err
}

// URL returns the server's address.
func (b *OpenBao) URL() string { return "http://" + b.Address }

func (b *OpenBao) auditFile() string { return filepath.Join(b.Dir, "audit.log") }

// Reads returns how many requests to read a path under prefix the server has
// written down since it was made.
func (b *OpenBao) Reads(prefix string) (int, error) {
	f, err := os.Open(b.auditFile())
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	n := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Type    string
			Request struct{ Operation, Path string }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return 0, err
		}
		if line.Type == "request" && line.Request.Operation == "read" && strings.HasPrefix(line.Request.Path, prefix) {
			n++
		}
	}
	return n, lines.Err()
}

// call makes a request of the administrator's and reads the answer into out, if
// that is not nil.
func (b *OpenBao) call(ctx context.Context, method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, b.URL()+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("X-Vault-Token", b.root)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}
