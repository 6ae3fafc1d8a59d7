package component

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"credential-resolver/backend"
	"credential-resolver/resolver"
)

// Stores are the stores that one instance works on.
type Stores struct {
	// Configs is the store of configs.
	Configs *backend.ConfigStore
	// Secrets is the store of secrets; nil for none.
	Secrets *backend.SecretStore
	// Named are further stores of secrets, by name.
	Named map[string]*backend.SecretStore
}

// Open opens the stores of settings, side by side, with the settings' own time
// limit. Its error is one that no retry mends, unless opts ask for any failure.
func Open(ctx context.Context, settings Settings, opts backend.Options) (*Stores, error) {
	opts.Limits = settings.Limits
	s := &Stores{Named: make(map[string]*backend.SecretStore, len(settings.SecretStores))}
	var group errgroup.Group
	var named sync.Mutex
	group.Go(func() (err error) {
		s.Configs, err = backend.OpenConfigStore(ctx, settings.ConfigStore, settings.ConfigKey, opts)
		return err
	})
	if settings.SecretStore.Type != "" {
		group.Go(func() (err error) {
			s.Secrets, err = backend.OpenSecretStore(ctx, settings.SecretStore, opts)
			return err
		})
	}
	for name, spec := range settings.SecretStores {
		group.Go(func() error {
			store, err := backend.OpenSecretStore(ctx, spec, opts)
			if err != nil {
				return err
			}
			named.Lock()
			defer named.Unlock()
			s.Named[name] = store
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Resolver returns a resolver on the stores, which reports to observer. known is what is
// remembered of a store of secrets.
func (s *Stores) Resolver(
	settings Settings, known func(backend.Spec) *resolver.Known, observer resolver.Observer,
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
	for name, store := range s.Named {
		secrets := resolver.NamedSecrets{Store: store, Known: known(settings.SecretStores[name])}
		if own := settings.AllowedIn[name]; own != nil {
			secrets.Allowed = own.Match
		}
		opts.Named[name] = secrets
	}
	return resolver.New(opts)
}

// Close closes the stores. The caller sees to it that no call is running.
func (s *Stores) Close() error {
	var errs []error
	if s.Configs != nil {
		errs = append(errs, s.Configs.Close())
	}
	if s.Secrets != nil {
		errs = append(errs, s.Secrets.Close())
	}
	for _, store := range s.Named {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}
