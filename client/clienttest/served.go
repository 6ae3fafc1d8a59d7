package clienttest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/backend/store"
	"credential-resolver/client"
	"credential-resolver/component"
	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/logtext"
)

// product is the name of the component and of its socket.
const product = "credential-resolver"

// startTimeout is the time limit for the start of the component.
const startTimeout = 30 * time.Second

// served is a running component, with the two connections that daprd would have to it.
type served struct {
	running *pluggabletest.Running

	component *component.Component
	store     *grpc.ClientConn
	binding   *grpc.ClientConn
}

// serve starts the component, and initialises its secret store and its binding as daprd does.
func serve(
	folder string, names client.Options, properties map[string]string, configs, secrets *faults, text *logtext.Text,
) (*served, error) {
	log := text.Logger(filepath.Base(folder)) // the process has one logger for each name
	s := &served{}
	open := component.Backends(store.Options{Logger: log})
	s.component = component.New(component.Options{Logger: log, Open: breakable(open, configs, secrets)})
	server, err := s.component.Server(pluggable.Options{
		Name: product, Logger: log, SocketFolder: folder, StateFolder: filepath.Join(folder, "state"), StateOnDisk: true,
	})
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(folder, product+".sock")
	s.running = pluggabletest.Start(server, socket)
	if err := s.initialise(context.Background(), socket, names, properties); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *served) initialise(ctx context.Context, socket string, names client.Options, properties map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := s.running.AwaitSocket()
	if err == nil {
		s.store, err = connect(socket, names.CredentialStore)
	}
	if err == nil {
		s.binding, err = connect(socket, names.CredentialBinding)
	}
	if err != nil {
		return err
	}
	_, err = proto.NewSecretStoreClient(s.store).Init(ctx, &proto.SecretStoreInitRequest{
		Metadata: &proto.MetadataRequest{Properties: properties},
	})
	if err != nil {
		return fmt.Errorf("initialising the credentials store: %w", err)
	}
	_, err = proto.NewOutputBindingClient(s.binding).Init(ctx, &proto.OutputBindingInitRequest{
		Metadata: &proto.MetadataRequest{Properties: map[string]string{"store": names.CredentialStore}},
	})
	if err != nil {
		return fmt.Errorf("initialising the binding: %w", err)
	}
	return nil
}

// connect returns a connection for one Component. Each call carries the Component's name.
func connect(socket, name string) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(
			ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
			invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
		) error {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-component-instance", name)
			return invoke(ctx, method, req, reply, conn, opts...)
		}))
}

func (s *served) get(ctx context.Context, key string, meta map[string]string) (map[string]string, error) {
	answer, err := proto.NewSecretStoreClient(s.store).Get(ctx, &proto.GetSecretRequest{Key: key, Metadata: meta})
	return answer.GetData(), err
}

func (s *served) invoke(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	answer, err := proto.NewOutputBindingClient(s.binding).Invoke(ctx, &proto.InvokeRequest{
		Operation: req.Operation, Data: req.Data, Metadata: req.Metadata,
	})
	if err != nil {
		return nil, err
	}
	return &dapr.BindingEvent{Data: answer.GetData(), Metadata: answer.GetMetadata()}, nil
}

// close closes the connections, and then stops the component.
func (s *served) close() error {
	var errs []error
	for _, conn := range []*grpc.ClientConn{s.binding, s.store} {
		if conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	errs = append(errs, s.running.Stop())
	s.component.Close()
	return errors.Join(errs...)
}
