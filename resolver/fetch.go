package resolver

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// maxLookups is how many secrets one resolution asks for at a time (section 4,
// step 5).
const maxLookups = 8

// fetchOne fetches a bundle; fetch and it are the only ways to a secret. who says,
// for people, what of the config asks for it.
func (r *Resolver) fetchOne(ctx context.Context, guid, name, who string) (Object, error) {
	if !r.mayAsk(name) {
		return Object{}, notAllowed(guid, name, who)
	}
	return r.secret(ctx, guid, name)
}

// fetch fetches secrets, each distinct one once. The entries of a missing secret
// are the empty object; of one that is there, at least one is not empty. Nothing is
// asked for unless all of it is allowed. whoAsks says, for people, what of the
// config asks for a name.
func (r *Resolver) fetch(
	ctx context.Context, guid string, names []string, whoAsks func(name string) string,
) (map[string]Object, error) {
	for _, name := range names {
		if !r.mayAsk(name) {
			return nil, notAllowed(guid, name, whoAsks(name))
		}
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

// mayAsk tells whether a secret may be asked for (section 2, allowedSecrets). A
// name that no secret of the store can have is never sent, and so needs no leave.
func (r *Resolver) mayAsk(name string) bool {
	return r.opts.Allowed(name) || !r.naming.valid(name)
}

func notAllowed(guid, name, who string) *Error {
	return &Error{
		Kind: Denied, GUID: guid, Reason: who + " that metadata allowedSecrets does not allow",
		Reference: Reference(name),
	}
}
