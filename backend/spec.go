package backend

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/internal/nearest"
	"credential-resolver/resolver/credential"
)

// Spec names a store: its type and its own metadata.
type Spec struct {
	// Label is how the component's metadata calls the store ("configStore").
	Label string
	// Type is daprd's name for the store ("state.sqlite").
	Type string
	// Fields are handed to the store as its metadata. They may hold secrets.
	Fields map[string]string
}

// runtimeFields are metadata names that daprd itself acts on and never hands to
// a store, each with what to do about it (DESIGN.md, section 2).
var runtimeFields = map[string]string{
	"keyprefix":              "the prefix is daprd's, not the store's: write it into configKey instead, as in \"myapp||{guid}\"",
	"primaryencryptionkey":   "daprd encrypts such a state itself: it is not readable outside daprd",
	"secondaryencryptionkey": "daprd encrypts such a state itself: it is not readable outside daprd",
	"actorstatestore":        "it is daprd's, and means nothing here: remove it",
}

// RuntimeField tells whether daprd acts on a metadata name itself, and what to do
// instead of setting it.
func RuntimeField(name string) (remedy string, ok bool) {
	remedy, ok = runtimeFields[strings.ToLower(name)]
	return remedy, ok
}

// typeName is what the name of a store's type may look like.
var typeName = regexp.MustCompile(`^[A-Za-z0-9./-]{1,64}$`)

// lookup finds the type of a spec among the types there are, and completes and
// checks a copy of its fields. Its error is one that no retry mends.
func lookup[C any](spec Spec, types map[string]storeType[C]) (storeType[C], map[string]string, error) {
	t, ok := types[strings.ToLower(spec.Type)]
	if !ok {
		names := slices.Sorted(maps.Keys(types))
		unknown := "unknown store type"
		if typeName.MatchString(spec.Type) { // else it may be an address with a password in it
			unknown = fmt.Sprintf("unknown store type %q", spec.Type)
		}
		return t, nil, fmt.Errorf("%s: %s%s; there are: %s",
			spec.Label, unknown, nearest.Hint(spec.Type, names), strings.Join(names, ", "))
	}
	if err := checkFields(spec, t.fields); err != nil {
		return t, nil, err
	}
	for field, remedy := range t.required {
		if value, _ := metadata.GetMetadataProperty(spec.Fields, field); value == "" {
			return t, nil, fmt.Errorf("%s.%s is missing: %s", spec.Label, field, remedy)
		}
	}
	fields := maps.Clone(spec.Fields)
	if fields == nil {
		fields = map[string]string{}
	}
	if t.prepare != nil {
		if err := t.prepare(fields); err != nil {
			return t, nil, fmt.Errorf("%s (%s): %w", spec.Label, spec.Type, err)
		}
	}
	return t, fields, nil
}

// checkFields refuses names that the store does not declare. contrib reads names
// without regard to case, so this does too.
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
			return fmt.Errorf("%s.%s: %s has no metadata", spec.Label, field, spec.Type)
		}
		return fmt.Errorf("%s.%s is not a metadata field of %s%s; its fields: %s",
			spec.Label, field, spec.Type, nearest.Hint(field, names), strings.Join(names, ", "))
	}
	return nil
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// declaredFields asks a store for its metadata names. contrib's stores have this
// method whether or not its interfaces, which depend on a build tag, say so.
func declaredFields(store any) metadata.MetadataMap {
	describer, ok := store.(interface {
		GetComponentMetadata() metadata.MetadataMap
	})
	if !ok {
		panic("backend: no GetComponentMetadata: " + reflect.TypeOf(store).String())
	}
	return describer.GetComponentMetadata()
}

// minScrubbed is the shortest metadata value that scrub takes out: a shorter one
// would tear words apart and keep no secret.
const minScrubbed = 4

// scrub returns the text of a store's error without the values of its metadata,
// which may be passwords. A refusal of a file is words of ours, for the person who
// has to mend it.
func scrub(err error, fields map[string]string) error {
	var remedy credential.Remedy
	if errors.As(err, &remedy) && string(remedy) == err.Error() {
		return remedy
	}
	text := err.Error()
	var store *credential.StoreError // whose text is fixed words
	if errors.As(err, &store) && store.Err != nil {
		text = store.Err.Error()
	}
	for _, value := range slices.SortedFunc(maps.Values(fields), longestFirst) {
		if len(value) >= minScrubbed {
			text = strings.ReplaceAll(text, value, "[redacted]")
		}
	}
	return errors.New(text)
}

func longestFirst(a, b string) int { return len(b) - len(a) }
