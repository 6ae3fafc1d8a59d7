package component

import (
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/audit"
	"credential-resolver/resolver/credential"
)

// Options configure a [Component].
type Options struct {
	// Logger writes the log. Required.
	Logger logger.Logger
	// Open opens the stores of an instance. Required; see [Backends].
	Open Opener
	// Observers receive every event, before the log does. Nil: only the log receives them.
	Observers []Observer
	// Audit is the audit log. The caller closes it after the component. Nil: requests are not
	// audited.
	Audit *audit.Writer
	// NameHash hashes names of secrets for the log. Nil: each instance has a key of its own.
	NameHash func(credential.Reference) string
}

// Component makes the secret stores of one process. They share one memory: caches, and the
// names of known secrets.
type Component struct {
	opts   Options
	keys   instanceKeys
	memory *memory
	live   *liveInstances

	refusals *refusals
}

// New returns a component without an instance.
func New(opts Options) *Component {
	return &Component{
		opts: opts, keys: newInstanceKeys(opts.NameHash), memory: newMemory(), live: newLiveInstances(), refusals: newRefusals(opts.Audit),
	}
}

// NewSecretStore returns a secret store that has not been initialised. Each instance has its
// own key for fingerprints and for the hashes of references in the log. An instance that is
// initialised again gets the same key.
func (c *Component) NewSecretStore() *SecretStore {
	return &SecretStore{
		log: c.opts.Logger, observers: c.opts.Observers, open: c.opts.Open, memory: c.memory, live: c.live, keys: c.keys,
		auditLog: c.opts.Audit,
	}
}

// Server returns a server for the component: its secret stores and its save bindings. It sets
// Refused.
func (c *Component) Server(opts pluggable.Options) (*pluggable.Server[*SecretStore], error) {
	opts.Refused = c.refusals.refused
	return pluggable.New(opts, c.NewSecretStore, func(stores *pluggable.SecretStores[*SecretStore]) bindings.OutputBinding {
		return NewSaveBinding(stores)
	})
}

// Close stops the background work that outlives the secret stores: the removal of expired
// entries from their caches. The caller closes the secret stores first.
func (c *Component) Close() {
	c.memory.close()
	c.refusals.close()
}
