package store

import (
	"context"
	"maps"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"
)

// Type is what this package knows about one type of store. C is the
// connection that it makes.
type Type[C any] struct {
	// Fields are the metadata names that the store itself declares.
	Fields metadata.MetadataMap
	// Required are fields that must not be empty, each with the remedy.
	Required map[string]string
	// Prepare completes and checks the fields as far as that needs no
	// connection. Its error is one that no retry mends. Nil: nothing to do.
	Prepare func(fields map[string]string) error
	// Connect makes a new store object and connects it. A failure that no retry
	// mends is wrapped by permanent.
	Connect func(ctx context.Context, fields map[string]string, log logger.Logger) (C, error)
	// Nearby tells that the store is files or memory of this machine: what fails
	// there fails at once, so it is not repeated, and is mended by hand, so no
	// breaker keeps anybody waiting. False: it is another process.
	Nearby bool
	// Ephemeral tells whether the store's contents end with the process. Nil: no.
	Ephemeral func(fields map[string]string) bool
	// Paths are fields that name files or folders. A command shows them: whoever runs it
	// wrote them.
	Paths []string
	// ValidName is the store's own grammar of names of secrets. Nil: any.
	ValidName func(fields map[string]string, name string) bool
}

// hidden returns the fields whose values an error must not show.
func (t Type[C]) hidden(fields map[string]string, onCommand bool) map[string]string {
	if !onCommand {
		return fields
	}
	hidden := maps.Clone(fields)
	for _, name := range t.Paths {
		SetField(hidden, name, "")
	}
	return hidden
}
