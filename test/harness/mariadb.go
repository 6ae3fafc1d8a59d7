package harness

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	_ "github.com/go-sql-driver/mysql" // database/sql's "mysql"
)

// MariaDB is a MariaDB server. Its administrator is root.
type MariaDB struct {
	*Server

	// Password is the administrator's password.
	Password string
}

// StartMariaDB starts a MariaDB whose administrator has the password.
func StartMariaDB(ctx context.Context, password string) (*MariaDB, error) {
	const install = "sudo apt-get install mariadb-server"
	setup, err := program("mariadb-install-db", install)
	if err != nil {
		return nil, err
	}
	path, err := program("mariadbd", install, "/usr/sbin/mariadbd")
	if err != nil {
		return nil, err
	}
	uid, err := unprivileged("mysql")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{}
	m.Server, err = newServer(serverSpec{
		path: path, args: mariadbArgs, uid: uid,
		ready: func(ctx context.Context, _ *Server) error { return m.Exec(ctx, "SELECT 1") },
	})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, setup, "--no-defaults", "--datadir="+filepath.Join(m.Dir, "data"),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	cmd.Dir = m.Dir
	cmd.Env = append(os.Environ(), "TMPDIR="+m.Dir) // servers that share a temporary folder remove each other's files
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	if err := m.Start(ctx); err != nil {
		return nil, err
	}
	if err := m.Exec(ctx, "SET PASSWORD FOR root@'127.0.0.1' = PASSWORD('"+password+"')"); err != nil {
		return nil, err
	}
	m.Password = password
	return m, nil
}

func mariadbArgs(s *Server) []string {
	return []string{
		"--no-defaults", "--datadir=" + filepath.Join(s.Dir, "data"), "--socket=" + filepath.Join(s.Dir, "socket"),
		"--tmpdir=" + s.Dir, "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.port), "--skip-name-resolve",
	}
}

// DSN returns the connection string of a user, without a database.
func (m *MariaDB) DSN(user, password string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/", user, password, m.Address)
}

// Exec runs statements as the administrator. Each text may contain several statements.
func (m *MariaDB) Exec(ctx context.Context, statements ...string) error {
	db, err := sql.Open("mysql", m.DSN("root", m.Password)+"?multiStatements=true")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
