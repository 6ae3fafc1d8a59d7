package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"credential-resolver/test/harness"
)

// place is a daprd with the stores, which both ways to a credential use.
type place struct {
	folder    string
	component *harness.Component
	daprd     *harness.Daprd
	original  *original
}

// The Components: the original's object store and secret store, and ours on the same.
const resources = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: objectstore}
spec:
  type: bindings.localstorage
  version: v1
  metadata: [{name: rootPath, value: %[1]q}]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: secretstore}
spec:
  type: secretstores.local.file
  version: v1
  metadata: [{name: secretsFile, value: %[2]q}, {name: multiValued, value: "true"}]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: deployment-secret-store}
spec:
  type: secretstores.local.file
  version: v1
  metadata: [{name: secretsFile, value: %[2]q}, {name: multiValued, value: "true"}]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: credentials-save}
spec:
  type: bindings.credential-resolver
  version: v1
  metadata: [{name: store, value: credentials-local}]
`

const ours = `---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: %[3]s}
spec:
  type: secretstores.credential-resolver
  version: v1
  metadata:
  - {name: configStore, value: bindings.localstorage}
  - {name: configStore.rootPath, value: %[1]q}
  - {name: configKey, value: "persistent-artifacts/apps/default/credentials/{guid}/config.json"}
  - {name: secretStore, value: secretstores.local.file}
  - {name: secretStore.secretsFile, value: %[2]q}
  - {name: secretStore.multiValued, value: "true"}
  - {name: unresolved, value: allow}
  - {name: cacheTTL, value: %[4]s}
  - {name: environment, value: %[5]s}
`

// The names of our Components: one without a cache, one with the default's, and one
// into which an application may save.
const (
	uncached = "credentials-uncached"
	cached   = "credentials"
	saving   = "credentials-local"
)

// newPlace writes the stores into a folder and starts both programs.
func newPlace(ctx context.Context, folder, python string, w world) (*place, error) {
	p := &place{folder: folder}
	configs, secretsFile := filepath.Join(folder, "configs"), filepath.Join(folder, "secrets.json")
	for _, c := range w.cases {
		if !c.hasConfig {
			continue
		}
		dir := filepath.Join(configs, "persistent-artifacts/apps/default/credentials", c.guid)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return p, err
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(c.config), 0o600); err != nil {
			return p, err
		}
	}
	text, err := json.Marshal(w.secrets)
	if err != nil {
		return p, err
	}
	yaml := fmt.Sprintf(resources, configs, secretsFile) +
		fmt.Sprintf(ours, configs, secretsFile, uncached, "0s", "production") +
		fmt.Sprintf(ours, configs, secretsFile, cached, "60s", "production") +
		fmt.Sprintf(ours, configs, secretsFile, saving, "60s", "local")
	if w.more != "" {
		yaml += fmt.Sprintf(w.more, configs)
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

func (p *place) start(ctx context.Context, python string) error {
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

func (p *place) stop() error {
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
