package resolver

import (
	"bytes"
	"context"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
)

// Migrate rewrites a config with explicit references (section 8, migrate), and resolves both
// configs to prove that their credentials are equal byte for byte. It stores nothing, and
// text need not be stored. Its error is an [*credential.Error]: that of a resolution, or one
// of kind FailedPrecondition if explicit references cannot express the config.
func (r *Resolver) Migrate(ctx context.Context, guid string, text []byte) (*credential.Migration, error) {
	config, err := credential.ParseConfig(text)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	if config.Explicit {
		return nil, credential.WithGUID(guid, credential.Precondition("its references are explicit already", nil))
	}
	before, f, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return nil, err
	}
	if f.from == nil {
		return nil, credential.WithGUID(guid, credential.Precondition("the Component has no secret store, so the change cannot be checked", nil))
	}
	f.provenance = newProvenance(config, f.since)
	from, err := f.origins(ctx)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	m, err := credential.WriteExplicit(config, before.Fields, from)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	if err := r.prove(ctx, guid, before, m.Config); err != nil {
		return nil, err
	}
	return m, nil
}

// resolveNow resolves a config without cached secrets. It also returns the fetcher.
func (r *Resolver) resolveNow(ctx context.Context, guid string, config *credential.Config) (*credential.Credential, *fetcher, error) {
	now := r.opts.Cache.Now()
	f := r.fetcher(guid, config, now, now, semaphore.NewWeighted(maxLookups))
	finished, err := r.finish(ctx, config, f)
	return finished, f, err
}

// prove resolves the new config and compares the credentials.
func (r *Resolver) prove(ctx context.Context, guid string, before *credential.Credential, text []byte) error {
	config, err := credential.ParseConfig(text)
	if err != nil {
		return credential.WithGUID(guid, err)
	}
	after, _, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return err
	}
	was, err := before.Fields.AppendJSON(nil)
	if err != nil {
		return credential.WithGUID(guid, credential.Precondition("one of its values is "+err.Error(), err))
	}
	is, err := after.Fields.AppendJSON(nil)
	if err != nil || !bytes.Equal(was, is) {
		return credential.WithGUID(guid, credential.Precondition("explicit references would change the credential "+
			"(or one of its secrets has just changed: try again)", err))
	}
	return nil
}

// origins follows section 4, steps 4 to 7, again, to find where each value comes from. If it
// ever differs from a resolution, prove fails.
func (f *fetcher) origins(ctx context.Context) (credential.Origins, error) {
	switch {
	case f.config.Source == credential.SourceDirect:
		secret, err := f.secret(ctx, f.guid, &f.provenance.uses(1)[0])
		return credential.Origins{Direct: true, Entries: credential.OriginsIn(f.guid, secret)}, err
	case f.config.Mode() == credential.MultiKey:
		secret, err := f.bundle(ctx, f.config.SecretPath)
		return credential.Origins{Entries: credential.OriginsIn(f.config.SecretPath, secret)}, err
	default:
		return f.lookedUpOrigins(ctx)
	}
}

// lookedUpOrigins is origins for a single-key config.
func (f *fetcher) lookedUpOrigins(ctx context.Context) (credential.Origins, error) {
	mayRefer := f.r.mayRefer(f.config)
	refs := f.from.naming.filter(credential.StringValues(f.config.Fields, mayRefer))
	secrets, err := f.fetchAll(ctx, refs)
	refs = lastOfEach(refs)
	o := credential.Origins{Entries: map[string]credential.Origin{}, Secrets: map[string]bool{}, MayRefer: mayRefer}
	for _, ref := range refs {
		secret := secrets.of(ref)
		o.Secrets[ref] = secret.Len() > 0
		for key, v := range secret.All() {
			if !v.Empty() {
				o.Entries[key] = credential.OriginOf(ref, key, secret)
			}
		}
	}
	for _, ref := range refs {
		if _, ok := o.Entries[ref]; ok {
			continue
		}
		secret := secrets.of(ref)
		if only, ok := credential.OnlyEntry(secret.Object); ok {
			from := credential.OriginOf(ref, only.Name, secret)
			from.OnlyEntry = !secret.IsOneObject()
			o.Entries[ref] = from
		}
	}
	return o, err
}
