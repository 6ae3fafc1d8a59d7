package harness

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// takerFolder and takerPorts are the environment variables that make a process of this test
// binary take ports.
const (
	takerFolder = "HARNESS_TAKER_FOLDER"
	takerPorts  = "HARNESS_TAKER_PORTS"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(takerFolder); folder != "" {
		takeAll(folder, os.Getenv(takerPorts))
		return
	}
	os.Exit(m.Run())
}

// takeAll takes all ports that it gets, one after the other, prints them and an empty line, and
// keeps them until its input ends.
func takeAll(folder, ports string) {
	pool := portPool{folder: folder}
	for _, field := range strings.Fields(ports) {
		port, _ := strconv.Atoi(field)
		pool.ports = append(pool.ports, port)
	}
	var kept []*Ports
	for {
		taken, err := pool.take(1)
		if err != nil {
			break
		}
		kept = append(kept, taken)
		fmt.Println(taken.Numbers[0])
	}
	fmt.Println()
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	for _, taken := range kept {
		taken.Release()
	}
}

// newPool returns a pool of n ports that no other process of this machine's tests uses.
func newPool(t *testing.T, n int) portPool {
	t.Helper()
	ours, err := TakePorts(n)
	require.NoError(t, err)
	t.Cleanup(ours.Release)
	return portPool{folder: filepath.Join(t.TempDir(), "locks"), ports: ours.Numbers}
}

// startTaker starts a process that takes ports of a pool. Its output is read by taken. It is
// killed when the test ends.
func startTaker(t *testing.T, p portPool) (taker *exec.Cmd, taken func() []int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	taker = exec.CommandContext(t.Context(), self)
	taker.Env = append(os.Environ(), takerFolder+"="+p.folder, takerPorts+"="+strings.Trim(fmt.Sprint(p.ports), "[]"))
	_, err = taker.StdinPipe()
	require.NoError(t, err)
	out, err := taker.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, taker.Start())
	t.Cleanup(func() {
		_ = taker.Process.Kill()
		_ = taker.Wait()
	})
	return taker, func() (ports []int) {
		for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != ""; {
			port, err := strconv.Atoi(lines.Text())
			require.NoError(t, err)
			ports = append(ports, port)
		}
		return ports
	}
}

func TestTwoProcessesNeverGetTheSamePort(t *testing.T) {
	pool := newPool(t, 40)
	_, one := startTaker(t, pool)
	_, two := startTaker(t, pool)
	all := append(one(), two()...)
	seen := map[int]bool{}
	for _, port := range all {
		require.False(t, seen[port], "port %d was given to both", port)
		seen[port] = true
	}
	require.NotEmpty(t, all)
}

func TestAProcessThatEndsLosesItsPorts(t *testing.T) {
	pool := newPool(t, 3)
	taker, taken := startTaker(t, pool)
	require.ElementsMatch(t, pool.ports, taken())
	_, err := pool.take(1)
	require.ErrorContains(t, err, "of the 3 ports for tests fewer than 1 are free")

	require.NoError(t, taker.Process.Kill())
	require.Error(t, taker.Wait())
	ports, err := pool.take(3)
	require.NoError(t, err)
	require.ElementsMatch(t, pool.ports, ports.Numbers)
	ports.Release()
}

func TestAPortInUseIsNotTaken(t *testing.T) {
	pool := newPool(t, 2)
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(pool.ports[0])))
	require.NoError(t, err)
	defer func() { assert.NoError(t, listener.Close()) }()
	_, err = pool.take(2)
	require.Error(t, err)
	for range 5 {
		ports, err := pool.take(1)
		require.NoError(t, err)
		require.Equal(t, pool.ports[1:], ports.Numbers)
		ports.Release()
	}
}

func TestPortsAreTakenUntilRelease(t *testing.T) {
	pool := newPool(t, 2)
	ports, err := pool.take(2)
	require.NoError(t, err)
	_, err = pool.take(1)
	require.Error(t, err, "they are locked in the same process too")
	ports.Release()
	ports.Release()
	ports, err = pool.take(2)
	require.NoError(t, err)
	ports.Release()
}

func TestPortsAreBelowThoseOfOutgoingConnections(t *testing.T) {
	tests := map[string]struct {
		kernel      string
		first, last int
	}{
		"Linux's default":               {"32768\t60999\n", 28672, 32767},
		"another range":                 {"49152\t65535\n", 45056, 49151},
		"a range without room below it": {"1024\t65535\n", 28672, 32767},
		"nothing is known":              {"", 28672, 32767},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "range")
			require.NoError(t, os.WriteFile(path, []byte(test.kernel), 0o600))
			pool := sharedPorts(path)
			require.Equal(t, test.first, pool.ports[0])
			require.Equal(t, test.last, pool.ports[len(pool.ports)-1])
			require.Len(t, pool.ports, portCount)
		})
	}
	require.Len(t, sharedPorts(filepath.Join(t.TempDir(), "none")).ports, portCount)
}

func TestAProgramKeepsItsPortsUntilItEnds(t *testing.T) {
	pool := newPool(t, 1)
	ports, err := pool.take(1)
	require.NoError(t, err)
	p, err := start(command{path: "/bin/sh", args: []string{"-c", "exec sleep 3600"}, ports: ports})
	require.NoError(t, err)
	_, err = pool.take(1)
	require.Error(t, err)
	p.Kill()
	ports, err = pool.take(1)
	require.NoError(t, err)
	ports.Release()
}

// shellServer returns a server that is a shell script, which is ready once it has made the file
// "ready" in its folder.
func shellServer(t *testing.T, script func(s *Server) string) *Server {
	t.Helper()
	s, err := newServer(serverSpec{
		path: "/bin/sh",
		args: func(s *Server) []string { return []string{"-c", script(s)} },
		ready: func(_ context.Context, s *Server) error {
			_, err := os.Stat(filepath.Join(s.Dir, "ready"))
			return err
		},
	})
	require.NoError(t, err)
	t.Cleanup(s.Remove)
	return s
}

func TestAServerThatLosesItsPortGetsAnother(t *testing.T) {
	var ports []int
	s := shellServer(t, func(s *Server) string {
		if ports = append(ports, s.port); len(ports) == 1 {
			return "echo 'bind: Address already in use' >&2; exit 1"
		}
		return ": > ready; exec sleep 3600"
	})
	require.NoError(t, s.Start(t.Context()))
	require.Len(t, ports, 2)
	require.NotEqual(t, ports[0], ports[1])
	require.Equal(t, fmt.Sprintf("127.0.0.1:%d", ports[1]), s.Address)

	s.Kill()
	require.NoError(t, s.Restart(t.Context()))
	require.Equal(t, ports[1], ports[2], "a restart keeps the port")
}

func TestAServerThatAlwaysLosesItsPortFails(t *testing.T) {
	starts := 0
	s := shellServer(t, func(*Server) string {
		starts++
		return "echo 'bind: Address already in use' >&2; exit 1"
	})
	require.ErrorContains(t, s.Start(t.Context()), "Address already in use")
	require.Equal(t, startAttempts, starts)
}

func TestAServerThatFailsIsNotStartedAgain(t *testing.T) {
	starts := 0
	s := shellServer(t, func(*Server) string {
		starts++
		return "echo 'no such file' >&2; exit 1"
	})
	require.ErrorContains(t, s.Start(t.Context()), "no such file")
	require.Equal(t, 1, starts)
}
