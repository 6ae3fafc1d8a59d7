package credential

// origin is where a value of a credential comes from: an entry of a secret.
type Origin struct {
	secret, key string
	OnlyEntry   bool // it is the secret's only entry, as stored: key may be ""
	shadowed    bool // a reference to it means the stored entry that the object is in
}

// origins are where the values of a config's credential come from.
type Origins struct {
	Direct   bool              // entries are laid over fields of their names; else they replace values
	Entries  map[string]Origin // by the name of the entry, or the value that it replaces
	Secrets  map[string]bool   // secrets that there are, by the values which name them
	MayRefer FieldFilter       // the fields whose values they replace
}

// named tells whether a value is a name of something.
func (o Origins) named(value string) bool {
	_, isEntry := o.Entries[value]
	return isEntry || o.Secrets[value]
}

func OriginsIn(name string, secret Secret) map[string]Origin {
	entries := make(map[string]Origin, secret.Len())
	for key := range secret.All() {
		entries[key] = OriginOf(name, key, secret)
	}
	return entries
}

func OriginOf(name, key string, secret Secret) Origin {
	return Origin{secret: name, key: key, shadowed: secret.isObject && secret.item == key}
}
