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
	"time"
)

// Mount adds a KV secrets engine and waits until it serves requests. Version 2 needs a moment.
func (v *Vault) Mount(ctx context.Context, path, version string) error {
	mount := map[string]any{"type": "kv", "options": map[string]string{"version": version}}
	if err := v.Do(ctx, http.MethodPost, "sys/mounts/"+path, mount); err != nil || version != "2" {
		return err
	}
	return v.await(ctx, func() bool { return v.Do(ctx, http.MethodGet, path+"/config", nil) == nil })
}

// Do makes a request as the administrator. body may be nil.
func (v *Vault) Do(ctx context.Context, method, path string, body any) error {
	return v.call(ctx, method, path, body, nil)
}

// Token creates a token with the policies and without the default policy.
func (v *Vault) Token(ctx context.Context, policies ...string) (string, error) {
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	err := v.call(ctx, http.MethodPost, "auth/token/create",
		map[string]any{"policies": policies, "no_default_policy": true}, &made)
	return made.Auth.Token, err
}

// Policy creates a policy.
func (v *Vault) Policy(ctx context.Context, name, text string) error {
	return v.Do(ctx, http.MethodPut, "sys/policies/acl/"+name, map[string]string{"policy": text})
}

// Reader creates a token that may only read below a path.
func (v *Vault) Reader(ctx context.Context, path string) (string, error) {
	const policy = "read"
	if err := v.Policy(ctx, policy, fmt.Sprintf("path %q { capabilities = [\"read\"] }", path+"/*")); err != nil {
		return "", err
	}
	return v.Token(ctx, policy)
}

// Write writes a secret of a KV version 2 engine. path is its data path.
func (v *Vault) Write(ctx context.Context, path string, entries any) error {
	return v.Do(ctx, http.MethodPost, path, map[string]any{"data": entries})
}

// call makes a request as the administrator. The answer is decoded into out, unless out is nil.
func (v *Vault) call(ctx context.Context, method, path string, body, out any) error {
	return v.callWith(ctx, http.Header{}, method, path, body, out)
}

// callWith is call with additional headers.
func (v *Vault) callWith(ctx context.Context, header http.Header, method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, v.URL()+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("X-Vault-Token", v.root)
	resp, err := v.client.Do(req)
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

func (v *Vault) auditFile() string { return filepath.Join(v.Dir, "audit.log") }

// Reads returns the number of requests in the audit log that read a path under prefix.
func (v *Vault) Reads(prefix string) (int, error) {
	times, err := v.ReadTimes(prefix)
	return len(times), err
}

// Writes returns the number of requests to write below a prefix in the audit log, such as logins.
func (v *Vault) Writes(prefix string) (int, error) {
	times, err := v.times("update", prefix)
	return len(times), err
}

// ReadTimes returns the times of these requests.
func (v *Vault) ReadTimes(prefix string) ([]time.Time, error) { return v.times("read", prefix) }

// ReadPaths returns the paths of these requests.
func (v *Vault) ReadPaths(prefix string) ([]string, error) {
	var paths []string
	err := v.audited("read", prefix, func(r auditedRequest) { paths = append(paths, r.Request.Path) })
	return paths, err
}

// times returns the times of the requests with an operation below a prefix in the audit log.
func (v *Vault) times(operation, prefix string) ([]time.Time, error) {
	var times []time.Time
	err := v.audited(operation, prefix, func(r auditedRequest) { times = append(times, r.Time) })
	return times, err
}

// auditedRequest is a line of the audit log.
type auditedRequest struct {
	Time    time.Time
	Type    string
	Request struct{ Operation, Path string }
}

// audited calls seen for each request with an operation below a prefix in the audit log.
func (v *Vault) audited(operation, prefix string, seen func(auditedRequest)) error {
	f, err := os.Open(v.auditFile())
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line auditedRequest
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		if line.Type == "request" && line.Request.Operation == operation && strings.HasPrefix(line.Request.Path, prefix) {
			seen(line)
		}
	}
	return lines.Err()
}
