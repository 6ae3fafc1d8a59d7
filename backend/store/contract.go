package store

import (
	"context"
	"errors"
)

// These errors say what a store cannot do. The call fails with a [credential.StoreError] of
// kind FailedPrecondition that wraps one of them.
var (
	ErrCannotList   = errors.New("this type of config store cannot list its keys")
	ErrCannotDelete = errors.New("this type of config store cannot delete configs")
	ErrNoPolicy     = errors.New("this type of secret store has no access control of its own")
)

// ErrEdited means that somebody else changed a config since it was read. It is wrapped in a
// [credential.StoreError] of kind FailedPrecondition.
var ErrEdited = errors.New("somebody else has edited it: try again")

// ConfigConn is a connected config store.
type ConfigConn interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, data []byte) error
	Close() error
}

// Deleter is a config store that can delete.
type Deleter interface {
	// Delete deletes a key. Deleting an absent key may succeed.
	Delete(ctx context.Context, key string) error
}

// Replacer is a config store that detects an edit between a read and a write.
type Replacer interface {
	// Replace writes data. It fails with ErrEdited if the stored config is neither old nor
	// already data.
	Replace(ctx context.Context, key string, old, data []byte) error
}

// ErrUnchanged means that a config still has the ETag that the caller knows.
var ErrUnchanged = errors.New("the config has not changed")

// Revalidator is a config store that can tell that a config has not changed, without sending it.
type Revalidator interface {
	// GetUnlessMatch is like Get, and returns the config's ETag; "" if the store has none. It
	// fails with ErrUnchanged if the config still has the given ETag; "" matches no config.
	GetUnlessMatch(ctx context.Context, key, etag string) (data []byte, now string, err error)
}

// Lister is a config store that can list.
type Lister interface {
	// List returns one page of the configs whose keys match a template. An empty token asks
	// for the first page, and Page.Next for the following one.
	List(ctx context.Context, key KeyTemplate, token string) (Page, error)
}

// Page is one page of a listing.
type Page struct {
	GUIDs []string // in any order, possibly with duplicates
	Next  string   // the token of the next page; "" on the last page
}

// SecretConn is a connected secret store.
type SecretConn interface {
	Get(ctx context.Context, name string) (map[string]string, error)
	Close() error
}

// Versioned is a secret store that keeps several versions of a secret.
type Versioned interface {
	// GetVersion is like Get, for one version as the store counts them.
	GetVersion(ctx context.Context, name, version string) (map[string]string, error)
}

// PolicyWriter is a secret store that can write down who may read its secrets.
type PolicyWriter interface {
	// Policy returns the least privilege for reading secrets. names are sorted, and at least
	// one.
	Policy(ctx context.Context, names []string) (Policy, error)
}

// Policy is the least privilege for reading secrets.
type Policy struct {
	Text    string   // in the language of the store's access control, as it can be applied
	LeftOut []string // names that it cannot allow without allowing others too
}
