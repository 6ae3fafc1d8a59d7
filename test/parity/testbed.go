package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"credential-resolver/test/harness"
)

// testbed is a daprd with the stores that both sides use.
type testbed struct {
	version   version
	configs   objectStore
	folder    string
	component *harness.Component
	daprd     *harness.Daprd
	original  *original
}

// newTestbed writes the stores into a folder and starts both programs.
func newTestbed(ctx context.Context, v version, folder string, w dataset) (*testbed, error) {
	p, secretsFile := &testbed{version: v, folder: folder}, filepath.Join(folder, "secrets.json")
	configs, err := v.configs(ctx, folder)
	if err != nil {
		return p, err
	}
	p.configs = configs
	for _, c := range w.cases {
		if !c.hasConfig {
			continue
		}
		if err := p.configs.put(ctx, configPath(c.guid), c.config); err != nil {
			return p, err
		}
	}
	text, err := json.Marshal(w.secrets)
	if err != nil {
		return p, err
	}
	yaml := resources(p.configs, secretsFile)
	if w.more != nil {
		yaml += w.more(p.configs)
	}
	for _, err := range []error{
		os.WriteFile(secretsFile, text, 0o600),
		os.Mkdir(filepath.Join(folder, "resources"), 0o755),
		os.WriteFile(filepath.Join(folder, "resources", "resources.yaml"), []byte(yaml), 0o600),
	} {
		if err != nil {
			return p, err
		}
	}
	return p, p.start(ctx)
}

func (p *testbed) start(ctx context.Context) error {
	binary, err := harness.Binary("CREDENTIAL_RESOLVER", ".", "credential-resolver")
	if err != nil {
		return err
	}
	daprd, err := harness.Binary("DAPRD", ".", "daprd")
	if err != nil {
		return err
	}
	p.component, err = harness.StartComponent(ctx, harness.ComponentOptions{Binary: binary, SocketFolder: p.folder, LogLevel: "error"})
	if err != nil {
		return err
	}
	p.daprd, err = harness.StartDaprd(ctx, harness.DaprdOptions{
		Binary: daprd, SocketFolder: p.folder, ResourcesPath: filepath.Join(p.folder, "resources"),
		Args: []string{"--log-level", "error"},
	})
	if err != nil {
		return err
	}
	p.original, err = p.startOriginal(ctx, "production")
	return err
}

func (p *testbed) stop() error {
	if p.original != nil {
		p.original.stop()
	}
	if p.daprd != nil {
		p.daprd.Kill()
	}
	var err error
	if p.component != nil {
		err = p.component.Stop()
	}
	if p.configs != nil {
		p.configs.close()
	}
	return err
}
