package clienttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/dapr/pkg/messages"
	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
	"credential-resolver/internal/logtext"
)

// Options configure a [Sidecar].
type Options struct {
	// Client names the stores, and says whether the environment is local. Credentials can be
	// saved only in the local environment. Zero value: as in package client.
	Client client.Options
	// Metadata is added to the credentials store's metadata, and overrides it. By default the
	// cache is off, so that a test sees its changes immediately. Nil: no change.
	Metadata map[string]string
}

// Sidecar answers like a daprd that runs with the component. It is safe for concurrent use.
type Sidecar struct {
	// Configs is the component's config store.
	Configs *Configs
	// Secrets is the component's secret store. The application also sees it, as the Dapr secret
	// store Options.Client.SecretStore.
	Secrets *Secrets
	// DeploymentSecrets is the Dapr secret store Options.Client.DeploymentSecretStore.
	DeploymentSecrets *Secrets

	names  client.Options
	folder string
	log    *logtext.Text
	served *served
	close  func() error

	mu     sync.Mutex
	stores map[string]*Secrets // Dapr's own secret stores, by Component name
}

var _ client.Dapr = (*Sidecar)(nil)

// New starts a sidecar and closes it when the test ends. Each of changes edits its options.
func New(t testing.TB, changes ...func(*Options)) *Sidecar {
	t.Helper()
	var opts Options
	for _, change := range changes {
		change(&opts)
	}
	s, err := Start(opts)
	if err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("clienttest: %v", err)
		}
	})
	return s
}

// Local sets the local environment. Pass it to [New].
func Local(o *Options) { o.Client.DeploymentName = "local" }

// Start is New without a test, as for an example. The caller closes the sidecar.
func Start(opts Options) (*Sidecar, error) {
	folder, err := os.MkdirTemp("", "clienttest") // short enough for a socket's path
	if err != nil {
		return nil, err
	}
	s := &Sidecar{names: client.New(nil, opts.Client).Options(), folder: folder, log: &logtext.Text{}}
	s.Configs = newConfigs(filepath.Join(folder, "configs"))
	s.Secrets = newSecrets(filepath.Join(folder, "secrets.json"))
	s.DeploymentSecrets = newSecrets(filepath.Join(folder, "deployment-secrets.json"))
	s.stores = map[string]*Secrets{
		s.names.SecretStore: s.Secrets, s.names.DeploymentSecretStore: s.DeploymentSecrets,
	}
	if s.served, err = serve(folder, s.names, s.metadata(opts.Metadata), s.Configs.faults, s.Secrets.faults, s.log); err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	s.close = sync.OnceValue(func() error { return errors.Join(s.served.close(), os.RemoveAll(folder)) })
	return s, nil
}

// metadata returns the metadata of the credentials store, with changes applied.
func (s *Sidecar) metadata(changes map[string]string) map[string]string {
	properties := map[string]string{
		"configStore":             "bindings.localstorage",
		"configStore.rootPath":    s.Configs.folder,
		"configKey":               "{guid}.json",
		"secretStore":             "secretstores.local.file",
		"secretStore.secretsFile": s.Secrets.file,
		"secretStore.multiValued": "true",
		"cacheTTL":                "0s",
	}
	if s.names.DeploymentName == "local" {
		properties["environment"] = "local"
	}
	maps.Copy(properties, changes)
	return properties
}

// Store returns the Dapr secret store with a Component's name. The first call creates it.
func (s *Sidecar) Store(name string) *Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	store, ok := s.stores[name]
	if !ok {
		store = newSecrets(filepath.Join(s.folder, fmt.Sprintf("secrets-%d.json", len(s.stores))))
		s.stores[name] = store
	}
	return store
}

// storeOf returns the Dapr secret store with a Component's name, if it exists.
func (s *Sidecar) storeOf(name string) (*Secrets, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	store, ok := s.stores[name]
	return store, ok
}

// Client returns a client of the sidecar, with the sidecar's options.
func (s *Sidecar) Client() *client.Client { return client.New(s, s.names) }

// Log returns the component's log so far, at info level.
func (s *Sidecar) Log() string { return s.log.String() }

// Close stops the component and removes its files. Further calls have no effect.
func (s *Sidecar) Close() error { return s.close() }

// GetSecret implements client.Dapr.
func (s *Sidecar) GetSecret(ctx context.Context, storeName, key string, meta map[string]string) (map[string]string, error) {
	var data map[string]string
	var err error
	switch store, ok := s.storeOf(storeName); {
	case storeName == s.names.CredentialStore:
		data, err = s.served.get(ctx, key, meta)
	case ok:
		data, err = store.get(ctx, key)
	default:
		return nil, wrapped(messages.ErrSecretStoreNotFound.WithFormat(storeName))
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("error invoking service: %w", status.FromContextError(ctx.Err()).Err())
	case err != nil:
		return nil, wrapped(messages.ErrSecretGet.WithFormat(key, storeName, err.Error()))
	}
	return data, nil
}

// wrapped returns daprd's error as the Dapr SDK's client returns it.
func wrapped(err messages.APIError) error {
	return fmt.Errorf("error invoking service: %w", err.GRPCStatus().Err())
}

// InvokeBinding implements client.Dapr.
func (s *Sidecar) InvokeBinding(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	event, err := s.invoke(ctx, req)
	if err == nil {
		return event, nil
	}
	failure := status.Errorf(codes.Internal, messages.ErrInvokeOutputBinding, req.Name, err.Error())
	if ctx.Err() != nil {
		failure = status.FromContextError(ctx.Err()).Err()
	}
	return nil, fmt.Errorf("error invoking binding %s/%s: %w", req.Name, req.Operation, failure)
}

func (s *Sidecar) invoke(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	switch {
	case req.Name != s.names.CredentialBinding:
		return nil, fmt.Errorf("couldn't find output binding %s", req.Name)
	case req.Operation != "create":
		return nil, fmt.Errorf("binding %s does not support operation %s. supported operations:create", req.Name, req.Operation)
	}
	return s.served.invoke(ctx, req)
}
