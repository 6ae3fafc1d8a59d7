package store

import (
	"context"
	"maps"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"
)

// Type describes one type of store. C is the connection that it makes.
type Type[C any] struct {
	// Fields are the metadata names that the store itself declares.
	Fields metadata.MetadataMap
	// Required are fields that must not be empty. The value says how to fix it.
	Required map[string]string
	// Prepare completes and checks the fields as far as this needs no connection. Its error is
	// one that a retry cannot fix. Nil: no preparation.
	Prepare func(fields map[string]string) error
	// Connect makes a new store object and connects it. It wraps a failure that a retry cannot
	// fix with Permanent.
	Connect func(ctx context.Context, fields map[string]string, log logger.Logger) (C, error)
	// Nearby means that the store is files or memory of this machine. Its calls have no retry,
	// because a failure there comes at once, and no circuit breaker, because a person fixes
	// the cause by hand and should not have to wait. False: the store is another process.
	Nearby bool
	// Ephemeral reports whether the store loses its contents when the process ends. Nil: it
	// does not.
	Ephemeral func(fields map[string]string) bool
	// Location returns the file or folder that holds the store, which Connect creates if it is
	// missing; "" for none. Nil: none.
	Location func(fields map[string]string) string
	// Paths are fields that name files or folders. A command shows their values, because the
	// person who runs it wrote them.
	Paths []string
	// ValidName reports whether the store's own grammar allows the name of a secret. Nil: it
	// allows every name.
	ValidName func(fields map[string]string, name string) bool
	// LeadingSlash means that names of secrets may begin with "/", so that single-key mode
	// looks up such a value.
	LeadingSlash bool
	// CheckVersion returns an error for a version of a secret that the store can never have.
	// The error's text says how to fix it, without the version. Nil: the store keeps no
	// versions. Otherwise its connections are [Versioned].
	CheckVersion func(version string) error
	// PolicyTarget names the access control of the store, such as "vault"; "" if it has none.
	// Otherwise its connections are [PolicyWriter].
	PolicyTarget string
}

// hidden returns the fields whose values an error must not show. onCommand means that a person
// runs a command, and may see the paths.
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
