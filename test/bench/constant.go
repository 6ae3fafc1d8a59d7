package main

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component/pluggable"
	"credential-resolver/test/harness"
)

// constantName is the name of the constant component in daprd.
const constantName = "constant"

// constant is a pluggable secret store that always gives the same answer. It contains none of
// our code and uses gRPC's server with default settings. It shows the cost of daprd and the
// socket alone.
type constant struct {
	proto.UnimplementedSecretStoreServer

	answer map[string]string
}

var _ proto.SecretStoreServer = constant{}

func (constant) Init(context.Context, *proto.SecretStoreInitRequest) (*proto.SecretStoreInitResponse, error) {
	return &proto.SecretStoreInitResponse{}, nil
}

func (constant) Features(context.Context, *proto.FeaturesRequest) (*proto.FeaturesResponse, error) {
	return &proto.FeaturesResponse{}, nil
}

func (c constant) Get(context.Context, *proto.GetSecretRequest) (*proto.GetSecretResponse, error) {
	return &proto.GetSecretResponse{Data: c.answer}, nil
}

func (constant) Ping(context.Context, *proto.PingRequest) (*proto.PingResponse, error) {
	return &proto.PingResponse{}, nil
}

// serveConstant serves the constant component until ctx ends.
func serveConstant(ctx context.Context) error {
	path := filepath.Join(pluggable.SocketFolder(), constantName+".sock")
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	proto.RegisterSecretStoreServer(server, constant{answer: bundleAnswer()})
	reflection.Register(server) // daprd uses reflection to find the services
	stopped := context.AfterFunc(ctx, server.Stop)
	defer stopped()
	return server.Serve(listener)
}

// startConstant runs this program again as the constant component.
func startConstant(ctx context.Context, folder string) (*harness.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return harness.StartPluggable(ctx, self, folder, constantName, "-constant")
}
