package resolver

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// maxLookups is how many secrets one resolution asks for at a time (section 4,
// step 5).
const maxLookups = 8

// stringValues returns the string values of a config, and of "extra" one level
// down, in document order, less its credentialSource and secret-path and empty
// ones. A value that stands twice comes twice.
func stringValues(config Object) []string {
	var found []string
	add := func(v Value) {
		if text, ok := v.Text(); ok && text != "" {
			found = append(found, text)
		}
	}
	for name, v := range config.All() {
		switch name {
		case FieldSource, FieldSecretPath:
			continue
		case FieldExtra:
			extra, _ := v.Object()
			for _, inner := range extra.All() {
				add(inner)
			}
		}
		add(v)
	}
	return found
}

// lookUp fetches the secrets that single-key references name, and merges their
// entries (section 4, step 5). A reference without a secret is a literal.
func (r *Resolver) lookUp(ctx context.Context, guid string, refs []string) (Object, error) {
	secrets, err := r.fetchAll(ctx, guid, refs)
	if err != nil {
		return Object{}, err
	}
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
			merged.set(ref, only)
		}
	}
	return merged.object(), nil
}

// fetchAll fetches each distinct reference once. The entries of a missing secret
// are the empty object.
func (r *Resolver) fetchAll(ctx context.Context, guid string, refs []string) (map[string]Object, error) {
	distinct := slices.Compact(slices.Sorted(slices.Values(refs)))
	entries := make([]Object, len(distinct))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLookups)
	for i, ref := range distinct {
		group.Go(func() error {
			found, _, err := r.secret(ctx, guid, ref)
			entries[i] = found
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byRef := make(map[string]Object, len(distinct))
	for i, ref := range distinct {
		byRef[ref] = entries[i]
	}
	return byRef, nil
}
