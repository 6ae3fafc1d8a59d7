package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// PgBouncer is a connection pooler for a PostgreSQL, in transaction mode: each transaction uses
// any of a few connections to the server.
type PgBouncer struct {
	*Server
}

// StartPgBouncer starts a pooler for these roles and passwords.
func StartPgBouncer(ctx context.Context, behind *Postgres, passwords map[string]string) (*PgBouncer, error) {
	path, err := program("pgbouncer", "sudo apt-get install pgbouncer", "/usr/sbin/pgbouncer")
	if err != nil {
		return nil, err
	}
	uid, err := unprivileged("postgres") // PgBouncer refuses to run as root
	if err != nil {
		return nil, err
	}
	b := &PgBouncer{}
	b.Server, err = newServer(serverSpec{
		path: path, uid: uid,
		files: func(s *Server) error { return writePgBouncerFiles(s, behind, passwords) },
		args:  func(s *Server) []string { return []string{filepath.Join(s.Dir, "pgbouncer.ini")} },
	})
	if err != nil {
		return nil, err
	}
	return b, b.Start(ctx)
}

func writePgBouncerFiles(s *Server, behind *Postgres, passwords map[string]string) error {
	var users string
	for role, password := range passwords {
		users += fmt.Sprintf("%q %q\n", role, password)
	}
	files := map[string]string{
		"users.txt": users,
		"pgbouncer.ini": fmt.Sprintf("[databases]\npostgres = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"+
			"listen_port = %s\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 4\n",
			behind.port, strconv.Itoa(s.port), filepath.Join(s.Dir, "users.txt")),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// URL returns the connection string of a role.
func (b *PgBouncer) URL(role, password string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=disable", role, password, b.Address)
}
