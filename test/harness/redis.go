package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Redis is a Redis server that writes every change to disk. Its default user is the
// administrator.
type Redis struct {
	*Server

	// Password is the default user's password.
	Password string
}

// StartRedis starts a Redis. The default user has the password. users are further users, each a
// line of an ACL file without the word "user".
func StartRedis(ctx context.Context, password string, users ...string) (*Redis, error) {
	path, err := program("redis-server", "sudo apt-get install redis-server")
	if err != nil {
		return nil, err
	}
	r := &Redis{Password: password}
	s, err := newServer(serverSpec{path: path, args: redisArgs, ready: func(ctx context.Context, _ *Server) error {
		_, err := r.Do(ctx, "PING") // fails until the server has loaded its data
		return err
	}})
	if err != nil {
		return nil, err
	}
	r.Server = s
	acl := "user default on >" + password + " ~* &* +@all\n"
	for _, user := range users {
		acl += "user " + user + "\n"
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "users.acl"), []byte(acl), 0o600); err != nil {
		return nil, err
	}
	return r, s.Start(ctx)
}

func redisArgs(s *Server) []string {
	return []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.Dir,
		"--aclfile", filepath.Join(s.Dir, "users.acl"), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}
}

// readStats matches the statistics of the commands with which state.redis reads a value.
var readStats = regexp.MustCompile(`(?m)^cmdstat_(?:hgetall|get):calls=(\d+)`)

// Reads returns the number of reads since the server was started.
func (r *Redis) Reads(ctx context.Context) (int, error) {
	stats, err := r.Do(ctx, "INFO", "commandstats")
	if err != nil {
		return 0, err
	}
	reads := 0
	for _, found := range readStats.FindAllStringSubmatch(fmt.Sprint(stats), -1) {
		n, _ := strconv.Atoi(found[1]) // the pattern matches only digits
		reads += n
	}
	return reads, nil
}

// Do runs a command as the administrator.
func (r *Redis) Do(ctx context.Context, args ...any) (any, error) {
	client := redis.NewClient(&redis.Options{Addr: r.Address, Password: r.Password, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	return client.Do(ctx, args...).Result()
}
