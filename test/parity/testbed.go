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
	folder    string
	component *harness.Component
	daprd     *harness.Daprd
	original  *original
}

// newTestbed writes the stores into a folder and starts both programs.
func newTestbed(ctx context.Context, folder, python string, w dataset) (*testbed, error) {
	p := &testbed{folder: folder}
	configs, secretsFile := filepath.Join(folder, "configs"), filepath.Join(folder, "secrets.json")
	for _, c := range w.cases {
		if !c.hasConfig {
			continue
		}
		file := filepath.Join(configs, configPath(c.guid))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return p, err
		}
		if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
			return p, err
		}
	}
	text, err := json.Marshal(w.secrets)
	if err != nil {
		return p, err
	}
	yaml := resources(configs, secretsFile)
	if w.more != nil {
		yaml += w.more(configs)
	}
	for _, err := range []error{
		os.MkdirAll(configs, 0o755),
		os.WriteFile(secretsFile, text, 0o600),
		os.Mkdir(filepath.Join(folder, "resources"), 0o755),
		os.WriteFile(filepath.Join(folder, "resources", "resources.yaml"), []byte(yaml), 0o600),
	} {
		if err != nil {
			return p, err
		}
	}
	return p, p.start(ctx, python)
}

func (p *testbed) start(ctx context.Context, python string) error {
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
	p.original, err = startOriginal(ctx, python, p.folder, "production", p.daprd)
	return err
}

func (p *testbed) stop() error {
	if p.original != nil {
		p.original.stop()
	}
	if p.daprd != nil {
		p.daprd.Kill()
	}
	if p.component == nil {
		return nil
	}
	return p.component.Stop()
}
