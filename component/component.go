package component

import (
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

// Options are what a component is made of.
type Options struct {
	// Logger is the log. Required.
	Logger logger.Logger
	// Open opens the stores of an instance. Required; see [Backends].
	Open Opener
	// Observers are told of all that happens, before the log is. Nil: only the log is told.
	Observers []Observer
}

// Component makes the secret stores of one process, which share what they remember.
type Component struct {
	opts   Options
	keys   instanceKeys
	memory *memory
}

// New returns a component without an instance.
func New(opts Options) *Component {
	return &Component{opts: opts, keys: newInstanceKeys(), memory: newMemory()}
}

// NewSecretStore returns a secret store that has not been initialised. Each has a key of its
// own for fingerprints and for the hashes of references in the log. An instance that is
// initialised again has the same key again.
func (c *Component) NewSecretStore() *SecretStore {
	return &SecretStore{
		log: c.opts.Logger, observers: c.opts.Observers, open: c.opts.Open, memory: c.memory, keys: c.keys,
	}
}

// Server returns a server of the component: its secret stores, and save bindings beside them.
func (c *Component) Server(opts pluggable.Options) (*pluggable.Server[*SecretStore], error) {
	return pluggable.New(opts, c.NewSecretStore, func(stores *pluggable.SecretStores[*SecretStore]) bindings.OutputBinding {
		return NewSaveBinding(stores)
	})
}

// Close ends what outlives the secret stores: the removal of what is too old from their
// caches. The caller closes the secret stores first.
func (c *Component) Close() { c.memory.close() }
