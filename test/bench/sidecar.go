package main

import (
	"context"
	"os"
	"path/filepath"

	"credential-resolver/test/harness"
)

// sidecar is a daprd and our component, and for the comparison also the constant component.
type sidecar struct {
	daprd     *harness.Daprd
	component *harness.Component
	constant  *harness.Process
	folder    string
}

// startSidecar starts a sidecar with the resources. The caller must stop it, even after an
// error.
func (s *stores) startSidecar(ctx context.Context, resources []harness.Resource, withConstant bool) (side *sidecar, err error) {
	side = &sidecar{}
	if side.folder, err = os.MkdirTemp(s.folder, "sidecar-"); err != nil {
		return side, err
	}
	folder := filepath.Join(side.folder, "resources")
	if err := harness.WriteResources(folder, resources); err != nil {
		return side, err
	}
	side.component, err = harness.StartComponent(ctx, harness.ComponentOptions{
		Binary: s.programs.resolver, SocketFolder: side.folder, LogLevel: "error",
	})
	if err != nil {
		return side, err
	}
	if withConstant {
		if side.constant, err = startConstant(ctx, side.folder); err != nil {
			return side, err
		}
	}
	side.daprd, err = harness.StartDaprd(ctx, harness.DaprdOptions{
		Binary: s.programs.daprd, SocketFolder: side.folder, ResourcesPath: folder,
	})
	return side, err
}

// stop ends the programs in an order that causes no errors.
func (s *sidecar) stop() {
	if s.daprd != nil {
		_ = s.daprd.Stop()
	}
	if s.constant != nil {
		_ = s.constant.Stop()
	}
	if s.component != nil {
		_ = s.component.Stop()
	}
	_ = os.RemoveAll(s.folder)
}
