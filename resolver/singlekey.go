package resolver

import (
	"context"
	"slices"

	"credential-resolver/resolver/credential"
)

// mayRefer returns which fields of a single-key config may be references (section 2,
// lookupFields and literalFields; a config's own list goes first).
func (r *Resolver) mayRefer(config *credential.Config) credential.FieldFilter {
	fields := r.opts.LookupFields
	if config.LookupFields() != nil {
		fields = config.LookupFields()
	}
	switch {
	case fields != nil:
		named := setOf(fields)
		return func(name credential.FieldName) bool { return named[name.String()] }
	case len(r.literalFields) > 0:
		return func(name credential.FieldName) bool { return name.Within != "" || !r.literalFields[name.Name] }
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
func (f *fetcher) lookUp(ctx context.Context, refs []string) (credential.Object, error) {
	secrets, err := f.all(ctx, refs)
	if err != nil {
		return credential.Object{}, err
	}
	m := merge(lastOfEach(refs), secrets)
	f.tellUnused(ctx, m)
	return m.entries, nil
}

// merge merges the entries of secrets in the order of the references to them.
func merge(refs []string, secrets map[string]credential.Secret) merged {
	all := credential.NewBuilder(len(refs))
	m := merged{from: map[string]string{}, Found: map[string]bool{}}
	for _, ref := range refs {
		m.Found[ref] = secrets[ref].Len() > 0
		for name, v := range secrets[ref].All() {
			if !v.Empty() {
				all.Set(name, v)
				m.from[name] = ref
			}
		}
	}
	for _, ref := range refs {
		if _, ok := m.from[ref]; ok {
			continue
		}
		if only, ok := credential.OnlyEntry(secrets[ref].Object); ok {
			all.Set(ref, only.Value)
			m.from[ref] = ref
		}
	}
	m.entries = all.Object()
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
	for name, text := range credential.StringFields(f.config.Fields) {
		if text == ref && mayRefer.Has(name) {
			return "its field " + credential.QuoteName(name.String()) + " asks for a secret"
		}
	}
	return "it asks for a secret"
}
