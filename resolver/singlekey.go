package resolver

import (
	"context"
	"iter"
	"slices"
)

// stringValues returns the string values of a config, and of "extra" one level
// down, in document order, less its credentialSource and secret-path, empty ones, and
// those of fields that are not chosen. A value that stands twice comes twice.
func stringValues(config Object, of chosen) []string {
	var found []string
	for name, text := range stringFields(config) {
		if of.has(name) {
			found = append(found, text)
		}
	}
	return found
}

// fieldName is the name of a config's field: within is "extra", or "" at the top.
type fieldName struct{ within, name string }

func (n fieldName) String() string {
	if n.within == "" {
		return n.name
	}
	return n.within + "." + n.name
}

// stringFields yields what stringValues returns, with the fields' names.
func stringFields(config Object) iter.Seq2[fieldName, string] {
	return func(yield func(fieldName, string) bool) {
		for name, v := range config.All() {
			switch name {
			case FieldSource, FieldSecretPath:
				continue
			case FieldExtra:
				extra, _ := v.Object()
				for inner, v := range extra.All() {
					if text, ok := v.Text(); ok && text != "" && !yield(fieldName{FieldExtra, inner}, text) {
						return
					}
				}
			}
			if text, ok := v.Text(); ok && text != "" && !yield(fieldName{"", name}, text) {
				return
			}
		}
	}
}

// chosen tells which fields of a single-key config may be references. Nil: all.
type chosen func(fieldName) bool

func (c chosen) has(name fieldName) bool { return c == nil || c(name) }

// mayRefer returns which fields of a single-key config may be references (section 2,
// lookupFields and literalFields; a config's own list goes first).
func (r *Resolver) mayRefer(config *Config) chosen {
	fields := r.opts.LookupFields
	if config.own.lookupFields != nil {
		fields = config.own.lookupFields
	}
	switch {
	case fields != nil:
		named := setOf(fields)
		return func(name fieldName) bool { return named[name.String()] }
	case len(r.literalFields) > 0:
		return func(name fieldName) bool { return name.within != "" || !r.literalFields[name.name] }
	default:
		return nil
	}
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// lookUp fetches the secrets that single-key references name, and merges their
// entries (section 4, step 5). A reference without a secret is a literal.
func (f *fetcher) lookUp(ctx context.Context, refs []string) (Object, error) {
	secrets, err := f.all(ctx, refs)
	if err != nil {
		return Object{}, err
	}
	m := merge(lastOfEach(refs), secrets)
	f.tellUnused(m)
	return m.entries, nil
}

// merge merges the entries of secrets in the order of the references to them.
func merge(refs []string, secrets map[string]storedSecret) merged {
	all := newBuilder(len(refs))
	m := merged{from: map[string]string{}, found: map[string]bool{}}
	for _, ref := range refs {
		m.found[ref] = secrets[ref].Len() > 0
		for name, v := range secrets[ref].All() {
			if !v.empty() {
				all.set(name, v)
				m.from[name] = ref
			}
		}
	}
	for _, ref := range refs {
		if _, ok := m.from[ref]; ok {
			continue
		}
		if only, ok := onlyEntry(secrets[ref].Object); ok {
			all.set(ref, only.Value)
			m.from[ref] = ref
		}
	}
	m.entries = all.object()
	return m
}

// lastOfEach returns the names at their last places, in order. A secret whose name
// stands several times is merged at each place, and what counts is the last: to merge
// it there alone is the same, and takes no longer the more often it stands.
func lastOfEach(names []string) []string {
	seen := make(map[string]bool, len(names))
	var last []string
	for _, name := range slices.Backward(names) {
		if !seen[name] {
			seen[name] = true
			last = append(last, name)
		}
	}
	slices.Reverse(last)
	return last
}

// whoAsks says which field of a single-key config asks for a secret: the first one that
// does.
func (f *fetcher) whoAsks(ref string) string {
	mayRefer := f.r.mayRefer(f.config)
	for name, text := range stringFields(f.config.Fields) {
		if text == ref && mayRefer.has(name) {
			return "its field " + QuoteName(name.String()) + " asks for a secret"
		}
	}
	return "it asks for a secret"
}
