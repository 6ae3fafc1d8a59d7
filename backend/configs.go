package backend

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// What a store may be unable to do. A call for it fails with a
// [resolver.StoreError] of kind FailedPrecondition that wraps one of these.
var (
	ErrCannotList   = errors.New("this type of config store cannot list its keys")
	ErrCannotDelete = errors.New("this type of config store cannot delete")
)

// ErrEdited is what a [resolver.StoreError] of kind FailedPrecondition wraps where a
// config is not the one that was to be replaced.
var ErrEdited = errors.New("it has been edited meanwhile: try again")

// ConfigStore is a store of credential configs.
type ConfigStore struct {
	*opened[configConn]

	key       keyTemplate
	ephemeral bool
}

var (
	_ resolver.ConfigStore = (*ConfigStore)(nil)
	_ resolver.Lister      = (*ConfigStore)(nil)
)

// OpenConfigStore opens the store of a spec. key is the template of a config's
// key or object name, in which {guid} stands for the GUID. Its error is one that
// no retry mends; a store that is merely down goes on connecting.
func OpenConfigStore(ctx context.Context, spec Spec, key string, opts Options) (*ConfigStore, error) {
	o, t, fields, err := open(ctx, spec, configStores(), opts)
	if err != nil {
		return nil, err
	}
	return &ConfigStore{
		opened: o, key: keyTemplate(key),
		ephemeral: t.ephemeral != nil && t.ephemeral(fields),
	}, nil
}

// Config implements [resolver.ConfigStore].
func (s *ConfigStore) Config(ctx context.Context, guid string) ([]byte, error) {
	return use(ctx, s.opened, func(ctx context.Context, c configConn) ([]byte, error) {
		return c.get(ctx, s.key.of(guid))
	})
}

// Put stores a config as the bytes that it is. Its error is a
// [resolver.StoreError].
func (s *ConfigStore) Put(ctx context.Context, guid string, config []byte) error {
	_, err := use(ctx, s.opened, func(ctx context.Context, c configConn) (struct{}, error) {
		return struct{}{}, c.set(ctx, s.key.of(guid), config)
	})
	return err
}

// replaced tells whether what is there is the new config already, by an attempt before
// this one. Its error is ErrEdited, of what is neither that nor the old one.
func replaced(now, old, config []byte) (bool, error) {
	switch {
	case bytes.Equal(now, config):
		return true, nil
	case !bytes.Equal(now, old):
		return false, unable(ErrEdited)
	}
	return false, nil
}

// Replace stores a config in the place of one that is still there. State stores see
// to it by their etags; with other stores an edit at that very moment is lost. Its
// error is a [resolver.StoreError]; see [ErrEdited].
func (s *ConfigStore) Replace(ctx context.Context, guid string, old, config []byte) error {
	_, err := use(ctx, s.opened, func(ctx context.Context, c configConn) (struct{}, error) {
		if r, ok := c.(replacer); ok {
			return struct{}{}, r.replace(ctx, s.key.of(guid), old, config)
		}
		now, err := c.get(ctx, s.key.of(guid))
		switch {
		case errors.Is(err, credential.NotFound):
			return struct{}{}, unable(ErrEdited)
		case err != nil:
			return struct{}{}, err
		}
		if done, err := replaced(now, old, config); err != nil || done {
			return struct{}{}, err
		}
		return struct{}{}, c.set(ctx, s.key.of(guid), config)
	})
	return err
}

// Delete deletes a config. Its error is a [resolver.StoreError], of kind NotFound
// if there is none. It reads first: most stores delete what is not there without
// a word.
func (s *ConfigStore) Delete(ctx context.Context, guid string) error {
	if _, err := s.Config(ctx, guid); err != nil {
		return err
	}
	_, err := use(ctx, s.opened, func(ctx context.Context, c configConn) (struct{}, error) {
		d, ok := c.(deleter)
		if !ok {
			return struct{}{}, unable(ErrCannotDelete)
		}
		return struct{}{}, d.delete(ctx, s.key.of(guid))
	})
	return err
}

// List returns the GUIDs of all configs in the store, sorted, each once. Only
// ctx bounds the whole; the store's own limit is one page's. A config that is
// stored or deleted meanwhile may be listed or not. Its error is a
// [resolver.StoreError].
func (s *ConfigStore) List(ctx context.Context) ([]string, error) {
	var guids []string
	for token, last := "", false; !last; {
		p, err := use(ctx, s.opened, func(ctx context.Context, c configConn) (page, error) {
			l, ok := c.(lister)
			if !ok {
				return page{}, unable(ErrCannotList)
			}
			return l.list(ctx, s.key, token)
		})
		if err != nil {
			return nil, err
		}
		guids = append(guids, p.guids...)
		token, last = p.next, p.next == ""
	}
	slices.Sort(guids)
	return slices.Compact(guids), nil
}

// Ephemeral tells whether the store's contents end with the process.
func (s *ConfigStore) Ephemeral() bool { return s.ephemeral }

func unable(why error) error {
	return &credential.StoreError{Kind: credential.FailedPrecondition, Err: why}
}
