package component

import (
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

// Options configure a [Component].
type Options struct {
	// Logger writes the log. Required.
	Logger logger.Logger
	// Open opens the stores of an instance. Required; see [Backends].
	Open Opener
	// Observers receive every event, before the log does. Nil: only the log receives them.
	Observers []Observer
}

// Component makes the secret stores of one process. They share one memory: caches, and the
// names of known secrets.
type Component struct {
	opts   Options
	keys   instanceKeys
	memory *memory
	live   *liveInstances
}

// New returns a component without an instance.
func New(opts Options) *Component {
	return &Component{opts: opts, keys: newInstanceKeys(), memory: newMemory(), live: newLiveInstances()}
}

// NewSecretStore returns a secret store that has not been initialised. Each instance has its
// own key for fingerprints and for the hashes of references in the log. An instance that is
// initialised again gets the same key.
func (c *Component) NewSecretStore() *SecretStore {
	return &SecretStore{
		log: c.opts.Logger, observers: c.opts.Observers, open: c.opts.Open, memory: c.memory, live: c.live, keys: c.keys,
	}
}

// Server returns a server for the component: its secret stores and its save bindings.
func (c *Component) Server(opts pluggable.Options) (*pluggable.Server[*SecretStore], error) {
	return pluggable.New(opts, c.NewSecretStore, func(stores *pluggable.SecretStores[*SecretStore]) bindings.OutputBinding {
		return NewSaveBinding(stores)
	})
}

// Close stops the background work that outlives the secret stores: the removal of expired
// entries from their caches. The caller closes the secret stores first.
func (c *Component) Close() { c.memory.close() }
