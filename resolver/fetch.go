package resolver

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// maxLookups is how many secrets one resolution asks for at a time (section 4,
// step 5).
const maxLookups = 8

// fetch fetches secrets, each distinct one once. The entries of a missing secret
// are the empty object; of one that is there, at least one is not empty. It is the
// one way to a secret: nothing is asked for unless all of it is allowed. whoAsks
// says, for people, what of the config asks for a name.
func (r *Resolver) fetch(
	ctx context.Context, guid string, names []string, whoAsks func(name string) string,
) (map[string]Object, error) {
	if err := r.checkAllowed(guid, names, whoAsks); err != nil {
		return nil, err
	}
	if len(names) == 1 { // a bundle: no goroutine for one secret
		entries, err := r.secret(ctx, guid, names[0])
		return map[string]Object{names[0]: entries}, err
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(names)))
	entries := make([]Object, len(distinct))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLookups)
	for i, name := range distinct {
		group.Go(func() (err error) {
			entries[i], err = r.secret(ctx, guid, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byName := make(map[string]Object, len(distinct))
	for i, name := range distinct {
		byName[name] = entries[i]
	}
	return byName, nil
}

// checkAllowed fails for the first of the names, in their order, that is not
// allowed (section 2, allowedSecrets). A name that no secret of the store can have
// is never sent, and so needs no leave.
func (r *Resolver) checkAllowed(guid string, names []string, whoAsks func(name string) string) error {
	for _, name := range names {
		if r.naming.valid(name) && !r.opts.Allowed(name) {
			return &Error{
				Kind: Denied, GUID: guid, Reason: whoAsks(name) + " that metadata allowedSecrets does not allow",
				Reference: Reference(name),
			}
		}
	}
	return nil
}
