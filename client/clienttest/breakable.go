package clienttest

import (
	"context"
	"time"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

// breakable wraps an opener. Its config store has the faults of configs, and all its secret
// stores have the faults of secrets.
func breakable(open component.Opener, configs, secrets *faults) component.Opener {
	return func(ctx context.Context, settings component.Settings, observer store.Observer) (*component.Stores, error) {
		stores, err := open(ctx, settings, observer)
		if err != nil {
			return nil, err
		}
		timeout := settings.Limits.Timeout
		stores.Configs = breakableConfigs{stores.Configs, configs, timeout}
		if stores.Secrets != nil {
			stores.Secrets = breakableSecrets{stores.Secrets, secrets, timeout}
		}
		for name, store := range stores.Named {
			stores.Named[name] = breakableSecrets{store, secrets, timeout}
		}
		return stores, nil
	}
}

// breakableConfigs is a config store with faults, in the methods that the component calls.
type breakableConfigs struct {
	component.Configs

	faults  *faults
	timeout time.Duration // of one call
}

// Config implements component.Configs.
func (c breakableConfigs) Config(ctx context.Context, guid string) ([]byte, error) {
	if err := c.faults.within(ctx, c.timeout); err != nil {
		return nil, err
	}
	return c.Configs.Config(ctx, guid)
}

// List implements component.Configs.
func (c breakableConfigs) List(ctx context.Context) ([]string, error) {
	if err := c.faults.within(ctx, c.timeout); err != nil {
		return nil, err
	}
	return c.Configs.List(ctx)
}

// Put implements component.Configs.
func (c breakableConfigs) Put(ctx context.Context, guid string, config []byte) error {
	if err := c.faults.within(ctx, c.timeout); err != nil {
		return err
	}
	return c.Configs.Put(ctx, guid, config)
}

// breakableSecrets is a secret store with faults.
type breakableSecrets struct {
	component.Secrets

	faults  *faults
	timeout time.Duration // of one call
}

// Secret implements component.Secrets.
func (s breakableSecrets) Secret(ctx context.Context, name string) (map[string]string, error) {
	if err := s.faults.within(ctx, s.timeout); err != nil {
		return nil, err
	}
	return s.Secrets.Secret(ctx, name)
}
