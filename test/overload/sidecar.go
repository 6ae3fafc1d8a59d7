package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"credential-resolver/test/harness"
)

// sidecar is a daprd and our component with two Components. Both use the same OpenBao, each
// through its own slow proxy. Every load uses a new sidecar, so that no cache or queue carries
// over.
type sidecar struct {
	folder             string
	slow, slowToo      *slowProxy // of the loaded Component, and of the other
	component          *harness.Component
	daprd              *harness.Daprd
	loadConn, restConn *grpc.ClientConn
}

// startSidecar starts a sidecar. more is additional metadata of the loaded Component. The
// caller must stop the sidecar, even after an error.
func (s *stores) startSidecar(ctx context.Context, more map[string]string) (side *sidecar, err error) {
	side = &sidecar{}
	if side.folder, err = os.MkdirTemp(s.folder, "sidecar-"); err != nil {
		return side, err
	}
	for _, p := range []**slowProxy{&side.slow, &side.slowToo} {
		if *p, err = startProxy(s.vault.Address, "/v1/"+secretsPath+"/", storeDelay); err != nil {
			return side, err
		}
	}
	resources := filepath.Join(side.folder, "resources")
	err = harness.WriteResources(resources, []harness.Resource{
		s.component(loaded, side.slow.url, more), s.component(elsewhere, side.slowToo.url, nil),
	})
	if err != nil {
		return side, err
	}
	side.component, err = harness.StartComponent(ctx, harness.ComponentOptions{
		Binary: s.resolver, SocketFolder: side.folder, LogLevel: "error", Metrics: true,
	})
	if err != nil {
		return side, err
	}
	side.daprd, err = harness.StartDaprd(ctx, harness.DaprdOptions{
		Binary: s.daprd, SocketFolder: side.folder, ResourcesPath: resources,
	})
	if err != nil {
		return side, err
	}
	for _, conn := range []**grpc.ClientConn{&side.loadConn, &side.restConn} {
		*conn, err = grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", side.daprd.GRPCPort), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return side, err
		}
	}
	return side, side.warmUp(ctx)
}

// component returns a Component of ours on the stores, with OpenBao at an address.
func (s *stores) component(name, vault string, more map[string]string) harness.Resource {
	metadata := map[string]string{
		"configStore": "state.sqlite", "configStore.connectionString": s.path("configs.db"),
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": vault, "secretStore.vaultToken": s.token,
		"secretStore.enginePath": "secret", "secretStore.vaultKVPrefix": "dapr",
		"secretStores." + fileStore: "secretstores.local.file", "secretStores." + fileStore + ".secretsFile": s.path("secrets.json"),
		"secretStores." + fileStore + ".multiValued": "true",
	}
	maps.Copy(metadata, more)
	return harness.Resource{Name: name, Type: "secretstores.credential-resolver", Metadata: metadata}
}

// warmUp connects every store and caches one credential.
func (side *sidecar) warmUp(ctx context.Context) error {
	for name, of := range map[string]numbered{"cached": cached, "in a file": inFile, "elsewhere": ofOther} {
		if o := ask(ctx, side.loadConn, of(0)); o.result != right {
			return fmt.Errorf("before the load, the credential %s is not answered right: %s %s", name, o.code, o.words)
		}
	}
	return nil
}

// stop ends the programs in an order that causes no errors.
func (side *sidecar) stop() (err error) {
	for _, conn := range []*grpc.ClientConn{side.loadConn, side.restConn} {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	if side.daprd != nil {
		err = errors.Join(err, side.daprd.Stop())
	}
	if side.component != nil {
		err = errors.Join(err, side.component.Stop())
	}
	for _, p := range []*slowProxy{side.slow, side.slowToo} {
		if p != nil {
			p.close()
		}
	}
	return errors.Join(err, os.RemoveAll(side.folder))
}
