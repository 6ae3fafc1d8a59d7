package resolver

import (
	"context"
	"slices"

	"credential-resolver/resolver/credential"
)

// Lister is a [ConfigStore] that can list its credentials.
type Lister interface {
	// List returns the GUIDs of all configs, in any order. Its error is a
	// [*credential.StoreError], of kind FailedPrecondition if this store cannot list.
	List(ctx context.Context) ([]string, error)
}

// List returns the GUIDs of all credentials, sorted and without duplicates. It leaves out
// names that are no valid GUID. Its error is an [*credential.Error], of kind
// FailedPrecondition if the config store cannot list.
func (r *Resolver) List(ctx context.Context) ([]string, error) {
	lister, ok := r.opts.Configs.(Lister)
	if !ok {
		return nil, cannotList(nil)
	}
	guids, err := lister.List(ctx)
	switch {
	case err != nil && credential.KindOf(err) == credential.FailedPrecondition:
		return nil, cannotList(err)
	case err != nil:
		return nil, credential.ConfigStoreFailure("", err)
	}
	guids = slices.DeleteFunc(slices.Clone(guids), func(guid string) bool { return !credential.ValidGUID(guid) })
	slices.Sort(guids)
	return slices.Compact(guids), nil
}

func cannotList(cause error) *credential.Error {
	return &credential.Error{
		Kind: credential.FailedPrecondition, Reason: "the config store cannot list its credentials",
		Store: credential.ConfigStoreLabel, Cause: cause,
	}
}
