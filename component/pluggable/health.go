package pluggable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// CheckHealth asks the server with a name whether it answers. It connects as daprd does, so a server
// that refuses this process's user is not healthy. The error says what is wrong and how to fix it.
// It does not ask the server's stores.
func CheckHealth(ctx context.Context, name string) error {
	path := socketPath(Options{SocketFolder: SocketFolder(), Name: name})
	conn, err := grpc.NewClient("passthrough:///"+path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, path string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := connects(ctx, path); err != nil {
		return err
	}
	_, err = proto.NewSecretStoreClient(conn).Ping(ctx, &proto.PingRequest{})
	switch s := status.Convert(err); s.Code() {
	case codes.OK:
		return nil
	case codes.DeadlineExceeded:
		return fmt.Errorf("%s does not answer in time", path)
	case codes.PermissionDenied:
		return errors.New(s.Message()) // ours, with the remedy
	default:
		return fmt.Errorf("%s answers %s: %s", path, s.Code(), s.Message())
	}
}

// connects reports why no server accepts connections on a path. gRPC's own error has only words.
func connects(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing serves on %s: start serve with the same $DAPR_COMPONENTS_SOCKETS_FOLDER", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission for %s: run as a user of its group, or set --socket-mode", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}
