package pluggable_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

// child is the main function of the child process. With a socket and a Component name as
// arguments, it behaves like a daprd. With a word, it does what the word says. It exits when its
// standard input closes.
func child() int {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "new":
		_, err := pluggable.New(pluggable.Options{Name: componentName, Logger: logger.NewLogger("child")}, (&echoes{}).New, nil)
		fmt.Println(err)
		return 0
	case len(os.Args) == 2 && os.Args[1] == "new for overflow":
		_, err := pluggable.New(pluggable.Options{
			Name: componentName, Logger: logger.NewLogger("child"), AllowUIDs: []uint32{overflow},
		}, (&echoes{}).New, nil)
		fmt.Println(err)
		return 0
	case len(os.Args) == 2 && os.Args[1] == "ended":
		fmt.Println(os.Getpid(), pluggable.HasEnded(os.Getpid(), 1), pluggable.HasEnded(math.MaxInt32, 1))
		return 0
	case len(os.Args) == 3 && os.Args[1] == "connect":
		if _, err := net.Dial("unix", os.Args[2]); err != nil {
			fmt.Println(err)
			return 1
		}
	case len(os.Args) == 3:
		socket, component := os.Args[1], os.Args[2]
		c := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), socket)
		if err := c.Init(context.Background(), meta(component, map[string]string{"say": "the child's"})); err != nil {
			fmt.Println(err)
			return 1
		}
		data, err := get(c, "child")
		fmt.Println(data["echo"], data["property.say"], err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func TestTwoProcessesThatUseOneNameNeverSeeEachOther(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
	line, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "CHILD the child's <nil>\n", line)

	_, err = get(dial(t, s, "credentials"), "hello")
	assert.Equal(t, codes.Unavailable, status.Code(err), "our own instance has not received Init")

	ours := initialise(t, s, "credentials", map[string]string{"say": "ours"})
	data, err := get(ours, "hello")
	require.NoError(t, err)
	assert.Equal(t, "ours", data["property.say"])
	assert.Equal(t, 2, s.Instances())
	assert.Equal(t, 2, stores.open())
}

func TestEndedProcessLosesItsInstances(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	ours := initialise(t, s, "credentials", nil)
	other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
	_, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	s.ForgetGone()
	require.Equal(t, 2, s.Instances(), "both are alive")

	require.NoError(t, other.Process.Kill())

	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick, "its stores are closed with its connection")
	require.Eventually(t, func() bool {
		s.ForgetGone()
		return s.Instances() == 1
	}, patience, tick, "what it was initialised with is forgotten")
	assertEchoes(t, ours)
}
