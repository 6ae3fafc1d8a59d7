package store

import (
	"reflect"
	"strings"

	"github.com/dapr/components-contrib/metadata"
)

// DeclaredFields asks a store for its metadata names. contrib's stores have this
// method whether or not its interfaces, which depend on a build tag, say so.
func DeclaredFields(store any) metadata.MetadataMap {
	describer, ok := store.(interface {
		GetComponentMetadata() metadata.MetadataMap
	})
	if !ok {
		panic("backend: no GetComponentMetadata: " + reflect.TypeOf(store).String())
	}
	return describer.GetComponentMetadata()
}

// Field returns a field, whatever the case of its name; "" if it is not set.
func Field(fields map[string]string, name string) string {
	value, _ := metadata.GetMetadataProperty(fields, name)
	return value
}

// SetField sets a field and removes it in any other spelling; "" removes it.
func SetField(fields map[string]string, name, value string) {
	for given := range fields {
		if strings.EqualFold(given, name) {
			delete(fields, given)
		}
	}
	if value != "" {
		fields[name] = value
	}
}
