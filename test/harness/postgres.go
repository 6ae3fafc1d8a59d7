package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Postgres is a PostgreSQL server. Every user needs a password.
type Postgres struct {
	*Server

	// Password is the password of the administrator, admin.
	Password string
}

// StartPostgres starts a PostgreSQL whose administrator has the password.
func StartPostgres(ctx context.Context, password string) (*Postgres, error) {
	const install, places = "sudo apt-get install postgresql", "/usr/lib/postgresql/15/bin/"
	initdb, err := program("initdb", install, places+"initdb")
	if err != nil {
		return nil, err
	}
	path, err := program("postgres", install, places+"postgres")
	if err != nil {
		return nil, err
	}
	uid, err := unprivileged("postgres") // PostgreSQL refuses to run as root
	if err != nil {
		return nil, err
	}
	p := &Postgres{Password: password}
	p.Server, err = newServer(serverSpec{
		path: path, args: postgresArgs, uid: uid,
		stop:  syscall.SIGINT, // with SIGTERM it would wait for its clients
		apart: children,       // each has its own session
		ready: func(ctx context.Context, _ *Server) error { return p.Exec(ctx, "SELECT 1") },
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(p.Dir, "password")
	if err := os.WriteFile(file, []byte(password), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, initdb, "--pgdata", filepath.Join(p.Dir, "data"), "--no-sync",
		"--username", "admin", "--pwfile", file, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C")
	cmd.Dir = p.Dir
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return p, p.Start(ctx)
}

func postgresArgs(s *Server) []string {
	return []string{
		"-D", filepath.Join(s.Dir, "data"), "-k", s.Dir, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", "fsync=off",
		"-c", "dynamic_shared_memory_type=mmap", // in its folder, which is removed even if the server is killed
	}
}

// URL returns the connection string of a role.
func (p *Postgres) URL(role, password string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=disable", role, password, p.Address)
}

// Exec runs statements as the administrator. The statements of one text are one transaction.
func (p *Postgres) Exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.URL("admin", p.Password))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return nil
}

// children returns the processes that a server has started, on Linux.
func children(s *Server) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.Pid()))
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// unprivileged returns the ID of a user for a server that refuses to run as root. It returns 0,
// this process's user, if this process is not root.
func unprivileged(name string) (uint32, error) {
	if os.Getuid() != 0 {
		return 0, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(uid), err
}
