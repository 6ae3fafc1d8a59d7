package harness

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Kubernetes is a kube-apiserver with its own etcd and RBAC, and without controllers. A test
// must do what a controller would do. The server logs every request.
type Kubernetes struct {
	*Server

	// Etcd stores its objects.
	Etcd *Etcd

	client   *http.Client
	services string // the first three bytes of the addresses of Services, which are on loopback
	user     []string
}

// kubernetesAdmin is the administrator's token.
const kubernetesAdmin = "admin-token-canary-5d11"

// StartKubernetes starts the kube-apiserver with the given binary.
func StartKubernetes(ctx context.Context, binary string) (*Kubernetes, error) {
	etcd, err := StartEtcd(ctx)
	if err != nil {
		if etcd != nil {
			etcd.Remove()
		}
		return nil, err
	}
	k := &Kubernetes{Etcd: etcd, services: fmt.Sprintf("127.64.%d", rand.IntN(256))}
	if k.Server, err = newServer(serverSpec{path: binary, args: k.args, ready: k.ready}); err != nil {
		etcd.Remove()
		return nil, err
	}
	if err := k.writeFiles(); err != nil {
		return k, err
	}
	if err := k.Start(ctx); err != nil {
		return k, err
	}
	return k, k.await(ctx, func() bool { // the server creates it a moment later
		return k.Do(ctx, http.MethodGet, "/api/v1/namespaces/default", nil, nil) == nil
	})
}

// Remove stops both servers and removes their folders.
func (k *Kubernetes) Remove() {
	k.Server.Remove()
	k.Etcd.Remove()
}

// writeFiles writes the certificates, the administrator's token, the key for service account
// tokens, and the audit policy.
func (k *Kubernetes) writeFiles() error {
	cert, key, err := k.Etcd.CA.Issue("kube-apiserver", "127.0.0.1", k.services+".1")
	if err != nil {
		return err
	}
	etcdCert, etcdKey, err := k.Etcd.CA.Issue("root")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"ca.pem": k.Etcd.CA.Certificate, "cert.pem": cert, "key.pem": key, "etcd-cert.pem": etcdCert, "etcd-key.pem": etcdKey,
		"tokens.csv": kubernetesAdmin + `,admin,admin,"system:masters"` + "\n",
		"audit.yaml": "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n",
	} {
		if err := os.WriteFile(filepath.Join(k.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(k.Etcd.CA.Certificate))
	k.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	return nil
}

func (k *Kubernetes) args(s *Server) []string {
	file := func(name string) string { return filepath.Join(s.Dir, name) }
	return []string{
		"--etcd-servers", "https://" + k.Etcd.Address, "--etcd-cafile", file("ca.pem"),
		"--etcd-certfile", file("etcd-cert.pem"), "--etcd-keyfile", file("etcd-key.pem"),
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", strconv.Itoa(s.port),
		"--endpoint-reconciler-type", "none", "--cert-dir", s.Dir, "--service-cluster-ip-range", k.services + ".0/24",
		"--tls-cert-file", file("cert.pem"), "--tls-private-key-file", file("key.pem"),
		"--authorization-mode", "RBAC", "--token-auth-file", file("tokens.csv"), "--client-ca-file", file("ca.pem"),
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", file("key.pem"),
		"--service-account-signing-key-file", file("key.pem"),
		"--audit-policy-file", file("audit.yaml"), "--audit-log-path", k.auditFile(), "--audit-log-mode", "blocking",
	}
}

func (k *Kubernetes) ready(ctx context.Context, _ *Server) error {
	return k.Do(ctx, http.MethodGet, "/readyz", nil, nil)
}

// URL returns the API server's address.
func (k *Kubernetes) URL() string { return "https://" + k.Address }

func (k *Kubernetes) auditFile() string { return filepath.Join(k.Dir, "audit.log") }

// Do makes a request as the administrator. body may be nil. The answer is decoded into out,
// unless out is nil.
func (k *Kubernetes) Do(ctx context.Context, method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, k.URL()+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+kubernetesAdmin)
	req.Header.Set("Content-Type", "application/json")
	for i, name := range k.user {
		req.Header.Add([]string{"Impersonate-User", "Impersonate-Group"}[min(i, 1)], name)
	}
	resp, err := k.client.Do(req)
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

// As returns the same API server, which is asked in the name of another user.
func (k *Kubernetes) As(user string, groups ...string) *Kubernetes {
	other := *k
	other.user = append([]string{user}, groups...)
	return &other
}

// Kubeconfig returns a kubeconfig for this API server with a user, which is the administrator if it
// is nil.
func (k *Kubernetes) Kubeconfig(user map[string]any) ([]byte, error) {
	type object = map[string]any
	if user == nil {
		user = object{"token": kubernetesAdmin}
	}
	return json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []object{{"name": "test", "cluster": object{
			"server": k.URL(), "certificate-authority-data": []byte(k.Etcd.CA.Certificate),
		}}},
		"users":    []object{{"name": "test", "user": user}},
		"contexts": []object{{"name": "test", "context": object{"cluster": "test", "user": "test", "namespace": "default"}}},
	})
}

// Token creates a token for a service account.
func (k *Kubernetes) Token(ctx context.Context, namespace, account string) (string, error) {
	var made struct{ Status struct{ Token string } }
	err := k.Do(ctx, http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+account+"/token",
		map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}, &made)
	return made.Status.Token, err
}

// Reads returns the number of requests to get a secret in the audit log.
func (k *Kubernetes) Reads() (int, error) {
	f, err := os.Open(k.auditFile())
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := lines.Text(); strings.Contains(line, `"verb":"get"`) && strings.Contains(line, `"resource":"secrets"`) {
			n++
		}
	}
	return n, nil
}
