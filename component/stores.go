package component

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/resolver"
)

// Configs is a config store, as the component uses it.
type Configs interface {
	resolver.ConfigStore
	resolver.Lister
	ConfigWriter
	io.Closer

	// Ephemeral reports whether the store's contents are lost when the process ends.
	Ephemeral() bool
}

// ConfigWriter changes the stored configs. See [backend.ConfigStore] for its errors.
type ConfigWriter interface {
	// Put stores a config.
	Put(ctx context.Context, guid string, config []byte) error
	// Replace stores a config if the stored one is still old.
	Replace(ctx context.Context, guid string, old, config []byte) error
	// Delete deletes a config.
	Delete(ctx context.Context, guid string) error
}

// Secrets is a secret store, as the component uses it.
type Secrets interface {
	resolver.SecretStore
	resolver.Namer
	io.Closer
}

var (
	_ Configs = (*backend.ConfigStore)(nil)
	_ Secrets = (*backend.SecretStore)(nil)
)

// Stores are the stores of one instance.
type Stores struct {
	// Configs is the config store.
	Configs Configs
	// Secrets is the secret store; nil for none.
	Secrets Secrets
	// Named are further secret stores, by name.
	Named map[string]Secrets
}

// Opener opens the stores of an instance. They report to observer. It fails only for errors
// that a retry cannot fix. A store that is down keeps connecting in the background.
type Opener func(ctx context.Context, settings Settings, observer store.Observer) (*Stores, error)

// Backends returns an Opener for the stores in package backend.
func Backends(opts store.Options) Opener {
	registry := backend.NewRegistry(opts.AllowExecPlugins)
	return func(ctx context.Context, settings Settings, observer store.Observer) (*Stores, error) {
		opts := opts
		opts.Observer = observer
		return open(ctx, registry, settings, opts)
	}
}

// Open opens the stores of settings in parallel, with the limits of the settings. It fails
// only for errors that a retry cannot fix, or with opts.FailFast for any error.
func Open(ctx context.Context, settings Settings, opts store.Options) (*Stores, error) {
	return open(ctx, backend.NewRegistry(opts.AllowExecPlugins), settings, opts)
}

// OpenEach is like Open, but goes on without the stores that fail, and returns their errors by
// label. A store that failed is nil in the Stores, or not in Named.
func OpenEach(ctx context.Context, settings Settings, opts store.Options) (*Stores, map[string]error) {
	return openEach(ctx, backend.NewRegistry(opts.AllowExecPlugins), settings, opts)
}

func open(ctx context.Context, registry *backend.Registry, settings Settings, opts store.Options) (*Stores, error) {
	s, failed := openEach(ctx, registry, settings, opts)
	if len(failed) == 0 {
		return s, nil
	}
	_ = s.Close()
	return nil, failed[slices.Min(slices.Collect(maps.Keys(failed)))]
}

func openEach(ctx context.Context, registry *backend.Registry, settings Settings, opts store.Options) (*Stores, map[string]error) {
	opts.Limits = settings.Limits
	opts.Revalidate = settings.Cache.TTL > 0
	s, failed := &Stores{Named: make(map[string]Secrets, len(settings.SecretStores))}, map[string]error{}
	var group sync.WaitGroup
	var opening sync.Mutex
	// begin opens a store in the background. open returns a function that keeps the open store.
	begin := func(spec store.Spec, open func() (keep func(), err error)) {
		group.Go(func() {
			keep, err := open()
			opening.Lock()
			defer opening.Unlock()
			if err != nil {
				failed[spec.Label] = err
			} else {
				keep()
			}
		})
	}
	begin(settings.ConfigStore, func() (func(), error) {
		configs, err := registry.OpenConfigStore(ctx, settings.ConfigStore, settings.ConfigKey, opts)
		return func() { s.Configs = configs }, err
	})
	if spec := settings.SecretStore; spec.Type != "" {
		begin(spec, func() (func(), error) {
			secrets, err := registry.OpenSecretStore(ctx, spec, opts)
			return func() { s.Secrets = secrets }, err
		})
	}
	for name, spec := range settings.SecretStores {
		begin(spec, func() (func(), error) {
			secrets, err := registry.OpenSecretStore(ctx, spec, opts)
			return func() { s.Named[name] = secrets }, err
		})
	}
	group.Wait()
	return s, failed
}

// Resolver returns a resolver for the stores. It reports to observer. known returns the names
// that have been secrets of a secret store.
func (s *Stores) Resolver(
	settings Settings, known func(store.Spec) *resolver.Known, observer resolver.Observer,
) *resolver.Resolver {
	opts := resolver.Options{
		Configs:         s.Configs,
		LookupFields:    settings.LookupFields,
		LiteralFields:   settings.LiteralFields,
		MaxSecrets:      settings.MaxSecrets,
		DeniedIsLiteral: settings.DeniedIsLiteral,
		Named:           make(map[string]resolver.NamedSecrets, len(s.Named)),
		AllowUnresolved: settings.AllowUnresolved,
		Timeout:         settings.RequestTimeout,
		Cache:           settings.Cache,
		Observer:        observer,
	}
	if settings.AllowedSecrets != nil {
		opts.Allowed = settings.AllowedSecrets.Match
	}
	if s.Secrets != nil {
		opts.Secrets, opts.Known = s.Secrets, known(settings.SecretStore)
	}
	for name, secrets := range s.Named {
		secrets := resolver.NamedSecrets{Store: secrets, Known: known(settings.SecretStores[name])}
		if own := settings.AllowedIn[name]; own != nil {
			secrets.Allowed = own.Match
		}
		opts.Named[name] = secrets
	}
	return resolver.New(opts)
}

// Close closes the stores. The caller makes sure that no call is running.
func (s *Stores) Close() error {
	var errs []error
	if s.Configs != nil {
		errs = append(errs, s.Configs.Close())
	}
	if s.Secrets != nil {
		errs = append(errs, s.Secrets.Close())
	}
	for _, secrets := range s.Named {
		errs = append(errs, secrets.Close())
	}
	return errors.Join(errs...)
}
