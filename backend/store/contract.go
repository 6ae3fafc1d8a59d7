package store

import (
	"context"
	"errors"
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

// ConfigConn is a connected config store.
type ConfigConn interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, data []byte) error
	Close() error
}

// Deleter is a config store that can delete.
type Deleter interface {
	// Delete may take a key that is not there for deleted.
	Delete(ctx context.Context, key string) error
}

// Replacer is a config store that sees an edit between a reading and a writing.
type Replacer interface {
	// Replace fails with ErrEdited if what is there is not old, nor data already.
	Replace(ctx context.Context, key string, old, data []byte) error
}

// Lister is a config store that can list.
type Lister interface {
	// List returns the configs that the store holds under a template, a page at a
	// time: the first for an empty token, the next for the page's own.
	List(ctx context.Context, key KeyTemplate, token string) (Page, error)
}

// Page is a part of a listing.
type Page struct {
	GUIDs []string // in any order, and maybe more than once
	Next  string   // the token of the next page; "" after the last
}

// SecretConn is a connected secret store.
type SecretConn interface {
	Get(ctx context.Context, name string) (map[string]string, error)
	Close() error
}
