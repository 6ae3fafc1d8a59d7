package resolver

import "credential-resolver/resolver/credential"

// secretAt is a secret of one store.
type secretAt struct {
	from *source
	name string
}

// locate returns where the reference's secret is. It is an error if no secret can be
// there, or if it may not be asked for.
func (f *fetcher) locate(ref *credential.ExplicitReference) (secretAt, error) {
	from := f.from
	if ref.Store != "" {
		from = f.r.named[ref.Store]
	}
	switch {
	case from == nil && ref.Store != "":
		return secretAt{}, credential.Precondition(ref.Its()+" names a store that is none of the Component's secretStores", nil)
	case from == nil:
		return secretAt{}, credential.Precondition(ref.Its()+" names no store, and the Component has no secretStore", nil)
	case !from.naming.valid(ref.Name):
		return secretAt{}, credential.NotAName(ref.Its()+" refers to", ref.Name)
	case !from.allowed(ref.Name):
		return secretAt{}, f.notAllowed(ref.Name, ref.Its()+" asks for a secret")
	}
	return secretAt{from, ref.Name}, nil
}
