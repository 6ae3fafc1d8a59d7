package pluggable_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
)

func TestHealthIsWhetherTheServerAnswersThisUser(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	require.NoError(t, healthOf(t, s))

	refusing := serveNobody(t, &echoes{})
	require.ErrorContains(t, healthOf(t, refusing), "--allow-uid")
}

func healthOf(t *testing.T, s *running) error {
	t.Helper()
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", filepath.Dir(s.socket))
	return pluggable.CheckHealth(t.Context(), strings.TrimSuffix(filepath.Base(s.socket), ".sock"))
}

func TestHealthSaysWhyNothingAnswers(t *testing.T) {
	folder := pluggabletest.SocketFolder(t)
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", folder)
	require.ErrorContains(t, pluggable.CheckHealth(t.Context(), "c"), "nothing serves on "+folder+"/c.sock")

	silent, err := net.Listen("unix", folder+"/c.sock")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, pluggable.CheckHealth(ctx, "c"), "does not answer in time")

	silent.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, silent.Close())
	require.ErrorContains(t, pluggable.CheckHealth(t.Context(), "c"), "nothing serves on", "the socket of a dead server")

	require.NoError(t, os.WriteFile(folder+"/d.sock", nil, 0o600))
	require.Error(t, pluggable.CheckHealth(t.Context(), "d"))
}
