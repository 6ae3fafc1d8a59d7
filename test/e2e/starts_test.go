//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	daprd "github.com/dapr/dapr/pkg/components/pluggable"
	"github.com/dapr/kit/logger"

	"credential-resolver/internal/owned/ownedtest"
	"credential-resolver/test/harness"
)

// TestMain gives this process its own socket folder, because daprd's code in it searches for
// components. The programs that tests start have other folders.
func TestMain(m *testing.M) {
	if isPeer() {
		servePeer(os.Stdin, os.Stdout)
		return
	}
	ownedtest.SetUmask()
	folder, err := os.MkdirTemp("", "cr-")
	if err == nil {
		err = os.Setenv(daprd.SocketFolderEnvVar, folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flag.Parse()
	waitTogether()
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// waitTogether runs more tests in parallel than there are processors, unless -parallel is set:
// most of the time, the tests wait for programs.
func waitTogether() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "8")
	}
}

var starts = flag.Int("starts", 20, "how often TestStarts starts the component")

// scanner searches for components again and again with daprd's own code. A daprd searches once,
// at its start.
type scanner struct {
	begun, ended atomic.Int64 // scans
	found        atomic.Int64 // scans that found the component
	longest      atomic.Int64 // ns
}

func (s *scanner) run(ctx context.Context) {
	daprd.AddServiceDiscoveryCallback("dapr.proto.components.v1.SecretStore",
		func(string, daprd.GRPCConnectionDialer) { s.found.Add(1) })
	logger.NewLogger("pluggable-components-grpc-connector").SetOutputLevel(logger.ErrorLevel)
	pace := time.NewTicker(tick / 10)
	defer pace.Stop()
	for ctx.Err() == nil {
		<-pace.C
		begin := time.Now()
		s.begun.Add(1)
		// If the component is absent or is being killed, Discover may or may not return an
		// error. daprd continues in both cases.
		_ = daprd.Discover(ctx)
		s.ended.Add(1)
		s.longest.Store(max(s.longest.Load(), int64(time.Since(begin))))
	}
}

// TestStarts starts and stops the component many times, half of the time with SIGKILL, while
// daprds search for it. A daprd that searches while the component starts or runs must not hang.
// One that finds the socket of a killed component waits until the next start.
func TestStarts(t *testing.T) {
	t.Parallel()
	sockets := daprd.GetSocketFolderPath() // set by TestMain
	ctx, cancel := context.WithCancel(t.Context())
	s, done := &scanner{}, make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx)
	}()

	var slowest time.Duration
	for i := range *starts {
		component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets})

		ready, stuck, before := time.Now(), s.begun.Load(), s.found.Load()
		// gRPC dials a socket that refused a connection again after 1 s, 1.6 s, 2.6 s, …
		require.Eventually(t, func() bool { return s.ended.Load() >= stuck && s.found.Load() > before }, patience, tick/4,
			"start %d: a daprd hangs although the component serves", i)
		slowest = max(slowest, time.Since(ready))

		if i%2 == 0 {
			component.Kill()
			continue
		}
		require.NoError(t, component.Stop())
	}
	cancel()
	<-done
	t.Logf("%d starts, %d scans, %d found the component; the longest scan took %v, the longest wait from ready to found %v",
		*starts, s.ended.Load(), s.found.Load(), time.Duration(s.longest.Load()).Round(time.Millisecond), slowest.Round(time.Millisecond))
}
