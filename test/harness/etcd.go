package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"credential-resolver/test/waiting"
)

// Etcd is an etcd server that identifies its clients by their certificates, and restricts them
// by etcd's roles.
type Etcd struct {
	*Server

	CA Authority
}

// StartEtcd starts an etcd whose administrator is the user root.
func StartEtcd(ctx context.Context) (*Etcd, error) {
	path, err := program("etcd", "sudo apt-get install etcd-server")
	if err != nil {
		return nil, err
	}
	e := &Etcd{}
	if e.CA, err = NewAuthority(); err != nil {
		return nil, err
	}
	s, err := newServer(serverSpec{path: path, args: etcdArgs, ready: func(ctx context.Context, _ *Server) error {
		return e.administer(ctx, func(client *clientv3.Client) error {
			_, err := client.Get(ctx, "health")
			return err
		})
	}})
	if err != nil {
		return nil, err
	}
	e.Server = s
	cert, key, err := e.CA.Issue("", "127.0.0.1") // etcd would treat a certificate with a name as a user's
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"ca.pem": e.CA.Certificate, "cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := s.Start(ctx); err != nil {
		return e, err
	}
	return e, e.enableAuth(ctx)
}

func etcdArgs(s *Server) []string {
	peer := fmt.Sprintf("http://127.0.0.1:%d", s.more)
	return []string{
		"--name", "one", "--data-dir", filepath.Join(s.Dir, "data"), "--logger", "zap",
		"--listen-client-urls", "https://" + s.Address, "--advertise-client-urls", "https://" + s.Address,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=" + peer,
		"--client-cert-auth", "--trusted-ca-file", filepath.Join(s.Dir, "ca.pem"),
		"--cert-file", filepath.Join(s.Dir, "cert.pem"), "--key-file", filepath.Join(s.Dir, "key.pem"),
	}
}

func (e *Etcd) enableAuth(ctx context.Context) error {
	return e.administer(ctx, func(client *clientv3.Client) error {
		if _, err := client.UserAddWithOptions(ctx, "root", "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
			return err
		}
		if _, err := client.UserGrantRole(ctx, "root", "root"); err != nil {
			return err
		}
		_, err := client.AuthEnable(ctx)
		return err
	})
}

// Allow adds a user with a role of the same name. It may read, or read and write, the keys
// under a prefix. Without a prefix it has no rights.
func (e *Etcd) Allow(ctx context.Context, user, prefix string, what clientv3.PermissionType) error {
	return e.administer(ctx, func(client *clientv3.Client) error {
		if _, err := client.UserAddWithOptions(ctx, user, "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
			return err
		}
		if prefix == "" {
			return nil
		}
		if _, err := client.RoleAdd(ctx, user); err != nil {
			return err
		}
		if _, err := client.RoleGrantPermission(ctx, user, prefix, clientv3.GetPrefixRangeEnd(prefix), what); err != nil {
			return err
		}
		_, err := client.UserGrantRole(ctx, user, user)
		return err
	})
}

// administer calls fn with a client of the user root.
func (e *Etcd) administer(ctx context.Context, fn func(*clientv3.Client) error) error {
	cert, key, err := e.CA.Issue("root")
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(e.CA.Certificate))
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{e.Address}, DialTimeout: waiting.Long, Context: ctx, Logger: zap.NewNop(),
		TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return fn(client)
}
