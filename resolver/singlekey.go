package resolver

import (
	"context"
	"slices"

	"credential-resolver/resolver/credential"
)

// mayRefer returns the filter for the fields of a single-key config that may be references
// (section 2, lookupFields and literalFields). A list in the config itself comes first.
func (r *Resolver) mayRefer(config *credential.Config) credential.FieldFilter {
	switch fields := r.lookupFields(config); {
	case fields != nil:
		named := setOf(fields)
		return func(name credential.FieldName) bool { return named[name.String()] }
	case len(r.literalFields) > 0:
		return func(name credential.FieldName) bool { return name.Within != "" || !r.literalFields[name.Name] }
	default:
		return nil
	}
}

// lookupFields returns the only fields that may be references; nil if there is no such list.
func (r *Resolver) lookupFields(config *credential.Config) []string {
	if own := config.LookupFields(); own != nil {
		return own
	}
	return r.opts.LookupFields
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// lookUp fetches the secrets that the values name, and merges their entries (section 4, step
// 5). A value without a secret is a literal.
func (f *fetcher) lookUp(ctx context.Context, refs []string) (merged, error) {
	secrets, err := f.fetchAll(ctx, refs)
	if err != nil {
		return merged{}, err
	}
	m := merge(lastOfEach(refs), secrets)
	f.reportUnused(ctx, m)
	return m, nil
}

// merged are the merged entries of the secrets of a single-key config.
type merged struct {
	lookedUp

	entries credential.Object
	from    map[string]entryFrom // the secret of each entry
}

// entryFrom is the secret that an entry comes from.
type entryFrom struct {
	secret int32 // its index
	only   bool  // it has no entry of this name, but only this entry
}

// merge merges the entries of secrets, in the order of the references. Later entries win.
func merge(refs []string, secrets lookedUp) merged {
	all := credential.NewBuilder(len(refs))
	m := merged{lookedUp: secrets, from: map[string]entryFrom{}}
	for _, ref := range refs {
		for name, v := range secrets.of(ref).All() {
			if !v.Empty() {
				all.Set(name, v)
				m.from[name] = entryFrom{secrets.indices[ref], false}
			}
		}
	}
	for _, ref := range refs {
		if _, ok := m.from[ref]; ok {
			continue
		}
		if only, ok := credential.OnlyEntry(secrets.of(ref).Object); ok {
			all.Set(ref, only.Value)
			m.from[ref] = entryFrom{secrets.indices[ref], true}
		}
	}
	m.entries = all.Object()
	return m
}

// lastOfEach returns each name once, at its last position. A secret that is named several
// times is merged at each position, but only the last merge has an effect. To merge it once
// gives the same result in less time.
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

// askedBy returns words for an error: the first field of a single-key config that asks for
// the secret.
func (f *fetcher) askedBy(ref string) string { return f.fieldWith(ref) + " asks for a secret" }

// fieldWith returns words for the first field of a single-key config with a value.
func (f *fetcher) fieldWith(value string) string {
	mayRefer := f.r.mayRefer(f.config)
	for name, text := range credential.StringFields(f.config.Fields) {
		if text == value && mayRefer.Has(name) {
			return "its field " + credential.QuoteName(name.String())
		}
	}
	return "it"
}
