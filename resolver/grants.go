package resolver

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// maxAbsent limits how many values without a secret Grants remembers.
const maxAbsent = 100_000

// GrantOptions say which names [Resolver.Grants] returns.
type GrantOptions struct {
	// Store is the store's name in Options.Named; "" for the default store.
	Store string
	// Literals adds the looked-up values that name no secret, which may be passwords. False:
	// they are reported, unless DeniedIsLiteral is set.
	Literals bool
	// Report gets an error for each credential that cannot be resolved, or not with only these
	// names granted. It is an [*credential.Error]. Required.
	Report func(error)
}

// Grants returns the names of secrets in one store, sorted, that somebody needs the right to
// read so that all stored credentials resolve:
//   - names that configs state, and the GUIDs of direct credentials, whether or not they exist:
//     a refusal is an error there;
//   - looked-up values that name a secret, which it asks the store for.
//
// Its error is that of [Resolver.EachNeeds], or of a secret store that is down.
func (r *Resolver) Grants(ctx context.Context, opts GrantOptions) ([]string, error) {
	from := r.secrets
	if opts.Store != "" {
		from = r.named[opts.Store]
	}
	absent, err := lru.New[uint64, struct{}](maxAbsent)
	if err != nil {
		panic(err) // only for a size below one
	}
	g := granter{GrantOptions: opts, r: r, from: from, names: map[string]bool{}, absent: absent, seed: maphash.MakeSeed()}
	if err := r.EachNeeds(ctx, func(guid string, needs []Need, err error) error {
		if err != nil {
			opts.Report(err)
			return nil
		}
		return g.add(ctx, guid, needs)
	}); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(g.names)), nil
}

// granter collects names.
type granter struct {
	GrantOptions

	r      *Resolver
	from   *source
	names  map[string]bool
	absent *lru.Cache[uint64, struct{}] // values that name no secret, as hashes
	seed   maphash.Seed
}

// add adds the names that a credential needs.
func (g *granter) add(ctx context.Context, guid string, needs []Need) error {
	var literals []string // their fields
	for _, need := range needs {
		if need.Store != g.Store {
			continue
		}
		name := string(need.Secret)
		grant := !need.LookedUp || g.Literals || g.names[name]
		if !grant {
			var err error
			grant, err = g.exists(ctx, guid, need)
			switch {
			case err != nil && credential.IsOutage(err):
				return err
			case err != nil:
				g.Report(err)
				continue
			}
		}
		if grant {
			g.names[name] = true
		} else {
			literals = append(literals, credential.QuoteName(need.Field))
		}
	}
	if len(literals) > 0 && !g.r.opts.DeniedIsLiteral {
		g.Report(credential.WithGUID(guid, credential.Precondition("it looks up the values of "+strings.Join(literals, ", ")+
			", which name no secret: if the store refuses them, the credential fails", nil)))
	}
	return nil
}

// exists asks the store whether a looked-up value names a secret.
func (g *granter) exists(ctx context.Context, guid string, need Need) (bool, error) {
	name := string(need.Secret)
	hash := maphash.String(g.seed, name)
	if g.absent.Contains(hash) {
		return false, nil
	}
	secret, err := g.from.read(ctx, cache.SecretID{Name: name})
	switch {
	case errors.Is(err, credential.ErrNotUTF8):
		return true, nil // it exists, and fails the resolution whoever reads it
	case err != nil:
		return false, credential.SecretStoreFailure(guid, g.from.label(), need.Secret, err)
	case secret.Len() == 0:
		g.absent.Add(hash, struct{}{})
	}
	return secret.Len() > 0, nil
}
