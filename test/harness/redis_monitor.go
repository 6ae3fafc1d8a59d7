package harness

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync"
)

// RedisMonitor records all commands that a Redis executes.
type RedisMonitor struct {
	redis *Redis
	conn  net.Conn

	mu    sync.Mutex
	lines []string
	more  *sync.Cond
	err   error
}

// Monitor starts to record the commands that the server executes, with Redis's MONITOR.
func (r *Redis) Monitor(ctx context.Context) (*RedisMonitor, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return nil, err
	}
	m := &RedisMonitor{redis: r, conn: conn}
	m.more = sync.NewCond(&m.mu)
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\nMONITOR\r\n", r.Password); err != nil {
		_ = conn.Close()
		return nil, err
	}
	go m.read()
	return m, nil
}

func (m *RedisMonitor) read() {
	lines := bufio.NewScanner(m.conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m.add(lines.Text(), nil)
	}
	m.add("", fmt.Errorf("the monitor of Redis has ended: %w", lines.Err()))
}

func (m *RedisMonitor) add(line string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines, m.err = append(m.lines, line), err
	m.more.Broadcast()
}

// Take returns the lines of all commands that the server executed before the call, and not those
// that were taken before.
func (m *RedisMonitor) Take(ctx context.Context) ([]string, error) {
	marker := rand.Text()
	if _, err := m.redis.Do(ctx, "ECHO", marker); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		for i, line := range m.lines {
			if strings.Contains(line, marker) {
				taken := m.lines[:i]
				m.lines = m.lines[i+1:]
				return taken, nil
			}
		}
		if m.err != nil {
			return nil, m.err
		}
		m.more.Wait()
	}
}

// Close ends the recording.
func (m *RedisMonitor) Close() { _ = m.conn.Close() }
