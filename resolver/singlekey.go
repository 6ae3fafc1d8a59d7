package resolver

import (
	"context"
	"iter"
	"slices"
)

// stringValues returns the string values of a config, and of "extra" one level
// down, in document order, less its credentialSource and secret-path and empty
// ones. A value that stands twice comes twice.
func stringValues(config Object) []string {
	var found []string
	for _, text := range stringFields(config) {
		found = append(found, text)
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

// references returns the values of a single-key config that may be references, in
// document order (section 2, lookupFields; a config's own list goes first).
// values are all of its string values.
func (r *Resolver) references(config *Config, values []string) []string {
	fields := r.opts.LookupFields
	if config.own.lookupFields != nil {
		fields = config.own.lookupFields
	}
	if fields == nil {
		return values
	}
	named := make(map[string]bool, len(fields))
	for _, field := range fields {
		named[field] = true
	}
	var found []string
	for name, text := range stringFields(config.Fields) {
		if named[name.String()] {
			found = append(found, text)
		}
	}
	return found
}

// lookUp fetches the secrets that single-key references name, and merges their
// entries (section 4, step 5). A reference without a secret is a literal.
func (f *fetcher) lookUp(ctx context.Context, config *Config, refs []string) (Object, error) {
	secrets, err := f.all(ctx, refs, func(ref string) string { return whoAsks(config.Fields, ref) })
	if err != nil {
		return Object{}, err
	}
	refs = lastOfEach(refs)
	merged := newBuilder(len(refs))
	for _, ref := range refs {
		for name, v := range secrets[ref].All() {
			if !v.empty() {
				merged.set(name, v)
			}
		}
	}
	for _, ref := range refs {
		if _, ok := merged.o.Get(ref); ok {
			continue
		}
		if only, ok := onlyEntry(secrets[ref]); ok {
			merged.set(ref, only.Value)
		}
	}
	return merged.object(), nil
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

// whoAsks says which field of a config asks for a secret: the first one that does.
func whoAsks(config Object, ref string) string {
	for name, text := range stringFields(config) {
		if text == ref {
			return "its field " + QuoteName(name.String()) + " asks for a secret"
		}
	}
	return "it asks for a secret"
}
