package resolver

import (
	"context"

	"credential-resolver/resolver/credential"
)

// origins follows section 4, steps 4 to 7, once more, for where things come from. If
// it follows them differently, what is made of it proves to be another credential.
func (f *fetcher) origins(ctx context.Context) (credential.Origins, error) {
	switch {
	case f.config.Source == credential.SourceDirect:
		secret, err := f.one(ctx, f.guid, "its GUID names a secret")
		return credential.Origins{Direct: true, Entries: credential.OriginsIn(f.guid, secret)}, err
	case f.config.Mode() == credential.MultiKey:
		secret, err := f.bundle(ctx, f.config.SecretPath)
		return credential.Origins{Entries: credential.OriginsIn(f.config.SecretPath, secret)}, err
	default:
		return f.lookedUpOrigins(ctx)
	}
}

func (f *fetcher) lookedUpOrigins(ctx context.Context) (credential.Origins, error) {
	mayRefer := f.r.mayRefer(f.config)
	refs := f.from.naming.filter(credential.StringValues(f.config.Fields, mayRefer))
	secrets, err := f.all(ctx, refs)
	refs = lastOfEach(refs)
	o := credential.Origins{Entries: map[string]credential.Origin{}, Secrets: map[string]bool{}, MayRefer: mayRefer}
	for _, ref := range refs {
		o.Secrets[ref] = secrets[ref].Len() > 0
		for key, v := range secrets[ref].All() {
			if !v.Empty() {
				o.Entries[key] = credential.OriginOf(ref, key, secrets[ref])
			}
		}
	}
	for _, ref := range refs {
		if _, ok := o.Entries[ref]; ok {
			continue
		}
		if only, ok := credential.OnlyEntry(secrets[ref].Object); ok {
			from := credential.OriginOf(ref, only.Name, secrets[ref])
			from.OnlyEntry = !secrets[ref].IsOneObject()
			o.Entries[ref] = from
		}
	}
	return o, err
}
