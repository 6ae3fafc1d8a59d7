package backend

import (
	"context"
	"os"
	"slices"

	"credential-resolver/backend/store"
	"credential-resolver/resolver"
)

// ConfigStore is a store of credential configs.
type ConfigStore struct {
	*store.Opened[store.ConfigConn]

	key       store.KeyTemplate
	ephemeral bool
	kept      *keptConfigs // nil: no config is kept
}

var (
	_ resolver.ConfigStore = (*ConfigStore)(nil)
	_ resolver.Lister      = (*ConfigStore)(nil)
)

// CanHaveConfigs reports whether a config store can have configs: whether the file or folder that
// holds it exists. To open the store would create it. Stores on servers always can.
func CanHaveConfigs(spec store.Spec) bool {
	t, fields, err := store.Lookup(spec, configStores())
	if err != nil || t.Location == nil {
		return err == nil
	}
	location := t.Location(fields)
	if location == "" {
		return true
	}
	_, err = os.Stat(location)
	return err == nil
}

// OpenConfigStore opens a store with a registry of its own; see [Registry.OpenConfigStore].
func OpenConfigStore(ctx context.Context, spec store.Spec, key string, opts store.Options) (*ConfigStore, error) {
	return NewRegistry(opts.AllowExecPlugins).OpenConfigStore(ctx, spec, key, opts)
}

// OpenConfigStore opens the store that spec describes. key is the template of a config's key
// or object name; {guid} stands for the GUID. It returns an error only if a retry cannot help.
// A store that is down keeps connecting in the background.
func (r *Registry) OpenConfigStore(ctx context.Context, spec store.Spec, key string, opts store.Options) (*ConfigStore, error) {
	o, t, fields, err := store.Open(ctx, spec, r.configs, opts)
	if err != nil {
		return nil, err
	}
	s := &ConfigStore{
		Opened: o, key: store.KeyTemplate(key),
		ephemeral: t.Ephemeral != nil && t.Ephemeral(fields),
	}
	if opts.Revalidate {
		s.kept = newKeptConfigs()
	}
	return s, nil
}

// Config implements [resolver.ConfigStore].
func (s *ConfigStore) Config(ctx context.Context, guid string) ([]byte, error) {
	return store.Use(ctx, s.Opened, func(ctx context.Context, c store.ConfigConn) ([]byte, error) {
		if r, ok := c.(store.Revalidator); ok && s.kept != nil {
			return s.kept.get(ctx, r, s.key.Of(guid))
		}
		return c.Get(ctx, s.key.Of(guid))
	})
}

// Put stores a config byte for byte. Its error is a [resolver.StoreError].
func (s *ConfigStore) Put(ctx context.Context, guid string, config []byte) error {
	_, err := store.Use(ctx, s.Opened, func(ctx context.Context, c store.ConfigConn) (struct{}, error) {
		return struct{}{}, c.Set(ctx, s.key.Of(guid), config)
	})
	return err
}

// Replace replaces a config if the stored one is still old. Stores with etags check
// this. In other stores, an edit at the same moment is lost. Its error is a
// [resolver.StoreError]; see [store.ErrEdited].
func (s *ConfigStore) Replace(ctx context.Context, guid string, old, config []byte) error {
	_, err := store.Use(ctx, s.Opened, func(ctx context.Context, c store.ConfigConn) (struct{}, error) {
		if r, ok := c.(store.Replacer); ok {
			return struct{}{}, r.Replace(ctx, s.key.Of(guid), old, config)
		}
		return struct{}{}, store.ReplaceIfOld(old, config, func() (now []byte, none struct{}, err error) {
			now, err = c.Get(ctx, s.key.Of(guid))
			return now, none, err
		}, func(struct{}) (bool, error) {
			return false, c.Set(ctx, s.key.Of(guid), config)
		})
	})
	return err
}

// Delete deletes a config. Its error is a [resolver.StoreError], of kind NotFound if the
// config does not exist. Delete reads first, because most stores report success for an absent
// key.
func (s *ConfigStore) Delete(ctx context.Context, guid string) error {
	if _, err := s.Config(ctx, guid); err != nil {
		return err
	}
	_, err := store.Use(ctx, s.Opened, func(ctx context.Context, c store.ConfigConn) (struct{}, error) {
		d, ok := c.(store.Deleter)
		if !ok {
			return struct{}{}, store.Unable(store.ErrCannotDelete)
		}
		return struct{}{}, d.Delete(ctx, s.key.Of(guid))
	})
	return err
}

// List returns the GUIDs of all configs in the store, sorted and without duplicates. Only ctx
// limits the whole call; the store's own timeout applies to each page. A config that is stored
// or deleted meanwhile may or may not be listed. Its error is a [resolver.StoreError].
func (s *ConfigStore) List(ctx context.Context) ([]string, error) {
	var guids []string
	for token, last := "", false; !last; {
		p, err := store.Use(ctx, s.Opened, func(ctx context.Context, c store.ConfigConn) (store.Page, error) {
			l, ok := c.(store.Lister)
			if !ok {
				return store.Page{}, store.Unable(store.ErrCannotList)
			}
			return l.List(ctx, s.key, token)
		})
		if err != nil {
			return nil, err
		}
		guids = append(guids, p.GUIDs...)
		token, last = p.Next, p.Next == ""
	}
	slices.Sort(guids)
	return slices.Compact(guids), nil
}

// Ephemeral reports whether the store's contents are lost when the process ends.
func (s *ConfigStore) Ephemeral() bool { return s.ephemeral }
