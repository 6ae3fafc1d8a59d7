package resolver

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
)

// Need is a secret that the resolution of one credential asks for.
type Need struct {
	// Store is the name of its store in Options.Named; "" for the default store.
	Store string
	// Secret is the secret's name. If LookedUp is true, it may be a password.
	Secret credential.Reference
	// LookedUp tells that a single-key config has this value, which may be a literal. False:
	// the config states the name, or it is the GUID of a direct credential.
	LookedUp bool
	// Field is the first field with a looked-up value; "" for other names.
	Field string
}

// Needs returns the secrets that a resolution of the config asks for, each one once. It asks no
// store. Its error is an [*credential.Error]: that of a resolution, which would ask for none.
func (r *Resolver) Needs(guid string, text []byte) ([]Need, error) {
	config, err := credential.ParseConfig(text)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	if r.hasNoSecrets() {
		return nil, nil
	}
	now := r.opts.Cache.Now()
	f := r.fetcher(guid, config, now, now, semaphore.NewWeighted(maxLookups))
	needs, err := f.needs()
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	return needs, nil
}

func (f *fetcher) needs() ([]Need, error) {
	if err := f.choose(); err != nil {
		return nil, err
	}
	switch {
	case f.config.Explicit:
		return f.explicitNeeds()
	case f.from == nil:
		return nil, nil
	case f.config.Source == credential.SourceDirect:
		if !f.from.naming.valid(f.guid) { // never sent to the store
			return nil, nil
		}
		return []Need{f.stated(f.guid)}, f.checkDirect()
	case f.config.Mode() == credential.MultiKey:
		return []Need{f.stated(f.config.SecretPath)}, f.checkBundle(f.config.SecretPath)
	default:
		return f.lookedUpNeeds()
	}
}

func (f *fetcher) stated(name string) Need {
	return Need{Store: f.from.name, Secret: credential.Reference(name)}
}

// explicitNeeds returns the secrets of explicit references, in document order.
func (f *fetcher) explicitNeeds() ([]Need, error) {
	asked, _, err := f.locateAll(f.config.Template().References)
	var needs []Need
	seen := map[Need]bool{}
	for _, secret := range asked {
		need := f.in(secret.from).stated(secret.id.Name) // any version of it
		if !seen[need] {
			seen[need] = true
			needs = append(needs, need)
		}
	}
	return needs, err
}

// lookedUpNeeds returns the values that single-key mode looks up.
func (f *fetcher) lookedUpNeeds() ([]Need, error) {
	mayRefer := f.r.mayRefer(f.config)
	names, _, err := f.toLookUp(f.from.naming.filter(credential.StringValues(f.config.Fields, mayRefer)))
	fields := map[string]string{} // the first field of each value
	for name, value := range credential.StringFields(f.config.Fields) {
		if _, ok := fields[value]; !ok && mayRefer.Has(name) {
			fields[value] = name.String()
		}
	}
	var needs []Need
	for _, name := range names {
		needs = append(needs, Need{Store: f.from.name, Secret: credential.Reference(name), LookedUp: true, Field: fields[name]})
	}
	return needs, err
}

// scanWidth is how many configs a scan reads in parallel, and holds at the same time.
const scanWidth = 16

// EachNeeds calls fn for each stored credential, in the order of the GUIDs, with the result of
// Needs or the error of reading the config. A config that is deleted meanwhile is left out. The
// memory that it takes does not grow with the number of configs, except for their GUIDs.
// EachNeeds ends with the first error of fn, of listing (see [Resolver.List]), or of ctx.
func (r *Resolver) EachNeeds(ctx context.Context, fn func(guid string, needs []Need, err error) error) error {
	guids, err := r.List(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(guids, scanWidth) {
		texts, failures := r.configTexts(ctx, some)
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, guid := range some {
			if errors.Is(failures[i], credential.NotFound) {
				continue
			}
			var needs []Need
			err := failures[i]
			if err == nil {
				needs, err = r.Needs(guid, texts[i])
			}
			if err := fn(guid, needs, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// configTexts reads some configs in parallel.
func (r *Resolver) configTexts(ctx context.Context, guids []string) ([][]byte, []error) {
	texts, failures := make([][]byte, len(guids)), make([]error, len(guids))
	var group errgroup.Group
	for i, guid := range guids {
		group.Go(func() error {
			texts[i], failures[i] = r.configText(ctx, guid)
			return nil
		})
	}
	_ = group.Wait() // always nil: each failure has its place
	return texts, failures
}
