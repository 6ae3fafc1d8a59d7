package store

import (
	"errors"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/metadata"
	kitmd "github.com/dapr/kit/metadata"
)

// DeclaredFields returns the metadata names that a store declares. It looks for the method
// itself, because contrib's interfaces have the method only with a build tag and its stores
// always have it. It panics if the store has no such method.
func DeclaredFields(store any) metadata.MetadataMap {
	describer, ok := store.(interface {
		GetComponentMetadata() metadata.MetadataMap
	})
	if !ok {
		panic("backend: no GetComponentMetadata: " + reflect.TypeOf(store).String())
	}
	return describer.GetComponentMetadata()
}

// StructFields returns the metadata names that structs declare for the decoder of Dapr's kit, with
// their aliases, which contrib's own function does not know. A struct that is embedded with "squash"
// counts only if it is given too.
func StructFields(structs ...reflect.Type) metadata.MetadataMap {
	fields := metadata.MetadataMap{}
	for _, t := range structs {
		var own metadata.MetadataMap
		_ = metadata.GetMetadataInfoFromStructType(t, &own, metadata.SecretStoreType)
		for n := range t.NumField() {
			tag := t.Field(n).Tag
			if strings.HasSuffix(tag.Get("mapstructure"), ",squash") {
				delete(own, t.Field(n).Name)
			}
			if aliases := tag.Get("mapstructurealiases"); aliases != "" {
				field := own[tag.Get("mapstructure")]
				field.Aliases = strings.Split(aliases, ",")
				own[tag.Get("mapstructure")] = field
			}
		}
		maps.Copy(fields, own)
	}
	return fields
}

// Decode returns the settings that checked fields mean.
func Decode[T any](fields map[string]string) (T, error) {
	var s T
	err := kitmd.DecodeMetadata(fields, &s)
	return s, err
}

// CheckBooleans returns an error for a field that is neither true nor false.
func CheckBooleans(fields map[string]string, names ...string) error {
	for _, name := range names {
		if value := Field(fields, name); value != "" && !IsBoolean(value) {
			return errors.New(name + " must be true or false")
		}
	}
	return nil
}

// Field returns the value of a field, ignoring the case of its name. It returns "" if the
// field is not set.
func Field(fields map[string]string, name string) string {
	value, _ := metadata.GetMetadataProperty(fields, name)
	return value
}

// IsBoolean reports whether a value is a word that contrib's stores take for true or false. They
// take any other word for false.
func IsBoolean(value string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "y", "n", "on", "off", "t", "f", "1", "0"}, strings.ToLower(value))
}

// IsAddress reports whether a value is the address of a server: http or https, a host, and maybe a
// path, without a user, a query and a fragment.
func IsAddress(value string) bool {
	u, err := url.Parse(value)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		!strings.ContainsAny(value, "?#")
}

// SetField sets a field and removes every other spelling of its name. The value "" removes the
// field.
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
