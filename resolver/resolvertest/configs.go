package resolvertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

var (
	_ resolver.ConfigStore = (*Configs)(nil)
	_ resolver.Lister      = (*Configs)(nil)
)

// Listing is the name of a call of List, in [Calls.Before] and [Calls.Asked].
const Listing = "(list)"

// Configs is a store of configs in memory. It is safe for concurrent use.
type Configs struct {
	*Calls

	mu    sync.Mutex
	texts map[string]string
}

// Put stores the text of a config, which may be invalid, and replaces an earlier one.
func (c *Configs) Put(guid, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts[guid] = text
}

// Delete removes a config.
func (c *Configs) Delete(guid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.texts, guid)
}

// Config implements resolver.ConfigStore.
func (c *Configs) Config(ctx context.Context, guid string) ([]byte, error) {
	defer c.begin(guid)()
	if err := c.interfere(ctx, guid); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.texts[guid]
	if !ok {
		return nil, absent()
	}
	return []byte(text), nil
}

// List implements resolver.Lister.
func (c *Configs) List(ctx context.Context) ([]string, error) {
	defer c.begin(Listing)()
	if err := c.interfere(ctx, Listing); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.texts)), nil
}

// absent returns the error for a config or secret that does not exist.
func absent() error {
	return &credential.StoreError{Kind: credential.NotFound, Err: errors.New("not in this fake")}
}
