package component_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/test/waiting"
)

const (
	// patience is how long a test waits for a condition.
	patience = waiting.Long
	tick     = 5 * time.Millisecond
)

// fileStores is a folder of configs, a file of secrets, and a component on them.
type fileStores struct {
	t       testing.TB
	configs string // the folder of configs
	file    string // the file of secrets
	log     *logtext.Text
	metrics *prometheus.Registry
	made    *component.Component
	factory func() secretstores.SecretStore
}

func newFileStores(t testing.TB) *fileStores {
	t.Helper()
	folder := filepath.Join(t.TempDir(), canary.Path)
	w := &fileStores{
		t: t, log: &logtext.Text{}, metrics: prometheus.NewRegistry(),
		configs: filepath.Join(folder, "configs"), file: filepath.Join(folder, "secrets.json"),
	}
	require.NoError(t, os.MkdirAll(w.configs, 0o700))
	w.observe(component.NewMetrics(w.metrics))
	return w
}

// observe makes the factory create secret stores with these observers.
func (w *fileStores) observe(observers ...component.Observer) {
	log := w.log.Logger(w.t.Name())
	made := component.New(component.Options{
		Logger: log, Observers: observers, Open: component.Backends(store.Options{Logger: log}),
	})
	w.t.Cleanup(made.Close)
	w.made = made
	w.factory = func() secretstores.SecretStore { return made.NewSecretStore() }
}

// properties returns the component's metadata on these stores, with some changed. An empty
// value removes a name.
func (w *fileStores) properties(changed map[string]string) map[string]string {
	properties := map[string]string{
		"configStore":             "bindings.localstorage",
		"configStore.rootPath":    w.configs,
		"configKey":               "{guid}.json",
		"secretStore":             "secretstores.local.file",
		"secretStore.secretsFile": w.file,
		"secretStore.multiValued": "true",
		"cacheTTL":                "0s", // a test's changes are visible immediately
	}
	maps.Copy(properties, changed)
	maps.DeleteFunc(properties, func(_, value string) bool { return value == "" })
	return properties
}

// init returns a new component and the error of its Init.
func (w *fileStores) init(changed map[string]string) (secretstores.SecretStore, error) {
	w.t.Helper()
	store := w.factory()
	w.t.Cleanup(func() { assert.NoError(w.t, store.Close()) })
	return store, store.Init(w.t.Context(), secretstores.Metadata{
		Base: metadata.Base{Name: "credentials", Properties: w.properties(changed)},
	})
}

// open returns an initialised component.
func (w *fileStores) open(changed map[string]string) secretstores.SecretStore {
	w.t.Helper()
	store, err := w.init(changed)
	require.NoError(w.t, err)
	return store
}

// config stores a config.
func (w *fileStores) config(guid, text string) { w.write(filepath.Join(w.configs, guid+".json"), text) }

// secrets replaces the file of secrets by a rename, as a Kubernetes volume does.
func (w *fileStores) secrets(text string) {
	w.t.Helper()
	w.write(w.file+".new", text)
	require.NoError(w.t, os.Rename(w.file+".new", w.file))
}

func (w *fileStores) write(path, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
}

// counted returns the values of the counters, by the metric's name and its labels' values. It
// adds up the states of the cache.
func (w *fileStores) counted() map[string]float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	require.NoError(w.t, err)
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetType() != dto.MetricType_COUNTER {
			continue
		}
		for _, metric := range family.GetMetric() {
			var values []string
			for _, label := range metric.GetLabel() {
				if label.GetName() != "cache" {
					values = append(values, label.GetValue())
				}
			}
			counts[family.GetName()+"{"+strings.Join(values, ",")+"}"] += metric.GetCounter().GetValue()
		}
	}
	return counts
}

// get requests a credential. metadata alternates names and values.
func get(store secretstores.SecretStore, guid string, metadata ...string) (map[string]string, error) {
	req := secretstores.GetSecretRequest{Name: guid, Metadata: map[string]string{}}
	for i := 0; i+1 < len(metadata); i += 2 {
		req.Metadata[metadata[i]] = metadata[i+1]
	}
	resp, err := store.GetSecret(context.Background(), req)
	return resp.Data, err
}
