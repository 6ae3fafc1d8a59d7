package store

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/internal/nearest"
)

// Spec describes a store: its type and its metadata.
type Spec struct {
	// Label is the store's name in the component's metadata ("configStore").
	Label string
	// Type is daprd's name for the store ("state.sqlite").
	Type string
	// Fields are the store's metadata. They may hold secrets.
	Fields map[string]string
}

// runtimeFields are metadata names that daprd itself acts on and never passes to a store. The
// value says what to do instead (DESIGN.md, section 2).
var runtimeFields = map[string]string{
	"keyprefix":              "daprd adds the prefix, not the store: write it into configKey, as in \"myapp||{guid}\"",
	"primaryencryptionkey":   "daprd encrypts such state itself, so it is not readable outside daprd",
	"secondaryencryptionkey": "daprd encrypts such state itself, so it is not readable outside daprd",
	"actorstatestore":        "only daprd uses it, and it has no effect here: remove it",
}

// RuntimeField reports whether daprd itself acts on a metadata name, and says what to do
// instead of setting it.
func RuntimeField(name string) (remedy string, ok bool) {
	remedy, ok = runtimeFields[strings.ToLower(name)]
	return remedy, ok
}

// typeName matches the names that a type of store may have.
var typeName = regexp.MustCompile(`^[A-Za-z0-9./-]{1,64}$`)

// Lookup finds the type of a spec among types. It completes and checks a copy of the spec's
// fields. Its error is one that a retry cannot fix.
func Lookup[C any](spec Spec, types map[string]Type[C]) (Type[C], map[string]string, error) {
	t, ok := types[strings.ToLower(spec.Type)]
	if !ok {
		names := slices.Sorted(maps.Keys(types))
		unknown := "unknown store type"
		if typeName.MatchString(spec.Type) { // any other text may be an address that contains a password
			unknown = fmt.Sprintf("unknown store type %q", spec.Type)
		}
		return t, nil, fmt.Errorf("%s: %s%s; the known types are: %s",
			spec.Label, unknown, nearest.Hint(spec.Type, names), strings.Join(names, ", "))
	}
	if err := checkFields(spec, t.Fields); err != nil {
		return t, nil, err
	}
	for field, remedy := range t.Required {
		if value, _ := metadata.GetMetadataProperty(spec.Fields, field); value == "" {
			return t, nil, fmt.Errorf("%s.%s is missing: %s", spec.Label, field, remedy)
		}
	}
	fields := maps.Clone(spec.Fields)
	if fields == nil {
		fields = map[string]string{}
	}
	if t.Prepare != nil {
		if err := t.Prepare(fields); err != nil {
			return t, nil, fmt.Errorf("%s (%s): %w", spec.Label, spec.Type, err)
		}
	}
	return t, fields, nil
}

// checkFields refuses names that the store does not declare. It ignores the case of names, as
// contrib does.
func checkFields(spec Spec, declared metadata.MetadataMap) error {
	known := map[string]bool{}
	var names []string
	for name, field := range declared {
		for _, n := range append([]string{name}, field.Aliases...) {
			known[strings.ToLower(n)] = true
		}
		names = append(names, lowerFirst(name))
	}
	slices.Sort(names)
	for _, field := range slices.Sorted(maps.Keys(spec.Fields)) {
		lower := strings.ToLower(field)
		if known[lower] {
			continue
		}
		if remedy, ok := RuntimeField(field); ok {
			return fmt.Errorf("%s.%s cannot be set: %s", spec.Label, field, remedy)
		}
		if len(names) == 0 {
			return fmt.Errorf("%s.%s: %s has no metadata fields", spec.Label, field, spec.Type)
		}
		return fmt.Errorf("%s.%s is not a metadata field of %s%s; its fields: %s",
			spec.Label, field, spec.Type, nearest.Hint(field, names), strings.Join(names, ", "))
	}
	return nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
