package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/test/harness"
)

// fleet is the processes of the component.
type fleet struct {
	plan    plan
	members []*member
}

// member is a process, with daprd's own client for it.
type member struct {
	component  *harness.Component
	options    harness.ComponentOptions // to start it with
	socket     string
	store      secretstores.SecretStore // nil before Init
	properties map[string]string
	set        []credential // the credentials that it uses
}

// starters is the number of processes that start in parallel.
const starters = 8

// startFleet starts the processes. They then wait for Init. The caller must stop them, even
// after an error.
func startFleet(ctx context.Context, folder string, s *stores, p plan, all credentials) (*fleet, error) {
	f := &fleet{plan: p}
	binary, err := harness.Binary("CREDENTIAL_RESOLVER", ".", "credential-resolver")
	if err != nil {
		return f, err
	}
	progress("%d processes", p.processes)
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(starters)
	for i := range p.processes {
		m := &member{set: all.of(i), properties: s.metadata(p)}
		f.members = append(f.members, m)
		group.Go(func() error { return m.start(within, binary, filepath.Join(folder, strconv.Itoa(i))) })
	}
	return f, group.Wait()
}

func (m *member) start(ctx context.Context, binary, folder string) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	m.socket = filepath.Join(folder, "credential-resolver.sock")
	key := filepath.Join(folder, "state.key") // its state folder is on a disk
	if err := writeKey(key); err != nil {
		return err
	}
	m.options = harness.ComponentOptions{
		Binary: binary, SocketFolder: folder, LogLevel: "error", StateDir: filepath.Join(folder, ".state"),
		Args: []string{"--state-key-file", key},
	}
	m.component, err = harness.StartComponent(ctx, m.options)
	return err
}

// init connects to the process as daprd does when it loads a Component.
func (m *member) init(ctx context.Context) error {
	store := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), m.socket)
	if err := store.Init(ctx, secretstores.Metadata{Base: metadata.Base{Name: "credentials", Properties: m.properties}}); err != nil {
		return err
	}
	m.store = store
	return nil
}

// get requests a credential. options alternates names and values of request metadata. An answer
// without a password is an error.
func (m *member) get(ctx context.Context, guid string, options ...string) (map[string]string, error) {
	req := secretstores.GetSecretRequest{Name: guid, Metadata: map[string]string{}}
	for i := 0; i+1 < len(options); i += 2 {
		req.Metadata[options[i]] = options[i+1]
	}
	resp, err := m.store.GetSecret(ctx, req)
	if err == nil && resp.Data["password"] == "" {
		err = errors.New("an answer without a password")
	}
	return resp.Data, err
}

func (f *fleet) stop() {
	var all sync.WaitGroup
	for _, m := range f.members {
		all.Go(func() {
			if m.component == nil {
				return
			}
			_ = m.component.Stop()
			if m.store != nil {
				_ = m.store.Close()
			}
		})
	}
	all.Wait()
}

// each calls do for all members in parallel.
func (f *fleet) each(do func(m *member) error) error {
	var group errgroup.Group
	for _, m := range f.members {
		group.Go(func() error { return do(m) })
	}
	return group.Wait()
}
