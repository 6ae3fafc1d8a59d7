package resolver

import "context"

// origin is where a value of a credential comes from: an entry of a secret.
type origin struct {
	secret, key string
	onlyEntry   bool // it is the secret's only entry, as stored: key may be ""
	shadowed    bool // a reference to it means the stored entry that the object is in
}

// origins are where the values of a config's credential come from.
type origins struct {
	direct   bool              // entries are laid over fields of their names; else they replace values
	entries  map[string]origin // by the name of the entry, or the value that it replaces
	secrets  map[string]bool   // secrets that there are, by the values which name them
	mayRefer chosen            // the fields whose values they replace
}

// named tells whether a value is a name of something.
func (o origins) named(value string) bool {
	_, isEntry := o.entries[value]
	return isEntry || o.secrets[value]
}

// origins follows section 4, steps 4 to 7, once more, for where things come from. If
// it follows them differently, what is made of it proves to be another credential.
func (f *fetcher) origins(ctx context.Context) (origins, error) {
	switch {
	case f.config.Source == SourceDirect:
		secret, err := f.one(ctx, f.guid, "its GUID names a secret")
		return origins{direct: true, entries: entriesOf(f.guid, secret)}, err
	case f.config.Mode() == MultiKey:
		secret, err := f.bundle(ctx, f.config.SecretPath)
		return origins{entries: entriesOf(f.config.SecretPath, secret)}, err
	default:
		return f.lookedUpOrigins(ctx)
	}
}

func entriesOf(name string, secret storedSecret) map[string]origin {
	entries := make(map[string]origin, secret.Len())
	for key := range secret.All() {
		entries[key] = originOf(name, key, secret)
	}
	return entries
}

func originOf(name, key string, secret storedSecret) origin {
	return origin{secret: name, key: key, shadowed: secret.isObject && secret.entry == key}
}

func (f *fetcher) lookedUpOrigins(ctx context.Context) (origins, error) {
	mayRefer := f.r.mayRefer(f.config)
	refs := f.from.naming.filter(stringValues(f.config.Fields, mayRefer))
	secrets, err := f.all(ctx, refs)
	refs = lastOfEach(refs)
	o := origins{entries: map[string]origin{}, secrets: map[string]bool{}, mayRefer: mayRefer}
	for _, ref := range refs {
		o.secrets[ref] = secrets[ref].Len() > 0
		for key, v := range secrets[ref].All() {
			if !v.empty() {
				o.entries[key] = originOf(ref, key, secrets[ref])
			}
		}
	}
	for _, ref := range refs {
		if _, ok := o.entries[ref]; ok {
			continue
		}
		if only, ok := onlyEntry(secrets[ref].Object); ok {
			from := originOf(ref, only.Name, secrets[ref])
			from.onlyEntry = !secrets[ref].isObject
			o.entries[ref] = from
		}
	}
	return o, err
}
