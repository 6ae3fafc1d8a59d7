package resolver

import (
	"context"
	"errors"
	"sync"
)

// found is what the references of a config refer to: the entries of secrets, by
// reference.
type found map[*reference]*secretEntries

// secretEntries are the entries of a secret, looked through once: many references may
// name none of them.
type secretEntries struct {
	storedSecret

	last     Value // the last entry that is not empty, as it is stored
	notEmpty int   // how many are not
}

func entriesOfSecret(s storedSecret) *secretEntries {
	if s.isObject {
		return &secretEntries{s, StringValue(s.text), 1}
	}
	last, n := notEmptyEntry(s.Object)
	return &secretEntries{s, last.Value, n}
}

// named returns the entry of a name as it is stored, else the field of the object that the
// secret stands for.
func (e *secretEntries) named(key string) (Value, bool) {
	if e.isObject && e.entry == key {
		return StringValue(e.text), true
	}
	return e.Get(key)
}

// value returns what a reference stands for; see [reference.value].
func (f found) value(ref *reference) (Value, bool, error) { return ref.value(f[ref]) }

// explicit resolves a config whose references are explicit (section 10): nothing else
// is looked at, and nothing is asked for unless all of it may be.
func (f *fetcher) explicit(ctx context.Context, t template) (Object, error) {
	found, err := f.find(ctx, t.refs)
	if err != nil {
		return Object{}, err
	}
	return t.fill(found, newBudget())
}

// find fetches the secrets of references, each distinct one once.
func (f *fetcher) find(ctx context.Context, refs []*reference) (found, error) {
	at := make([]secretAt, len(refs))
	askers := map[secretAt]*reference{} // the first one of each
	for i, ref := range refs {
		var err error
		if at[i], err = f.locate(ref); err != nil {
			return nil, err
		}
		if askers[at[i]] == nil {
			askers[at[i]] = ref
		}
		if err := f.r.mayAskFor(len(askers)); err != nil {
			return nil, err
		}
	}
	secrets, err := f.fetch(ctx, askers)
	if err != nil {
		return nil, err
	}
	entries := make(map[secretAt]*secretEntries, len(secrets))
	for at, secret := range secrets {
		entries[at] = entriesOfSecret(secret)
	}
	found := make(found, len(refs))
	for i, ref := range refs {
		found[ref] = entries[at[i]]
	}
	return found, nil
}

// fetch fetches secrets, for those who ask for them.
func (f *fetcher) fetch(ctx context.Context, askers map[secretAt]*reference) (map[secretAt]storedSecret, error) {
	var mu sync.Mutex
	secrets := make(map[secretAt]storedSecret, len(askers))
	reads, ctx := newFetching(ctx)
	for at, asker := range askers {
		reads.begin(func() error {
			secret, err := f.in(at.from).anySecret(ctx, at.name)
			mu.Lock()
			defer mu.Unlock()
			secrets[at] = secret
			return ofField(asker.at, err)
		})
	}
	err := reads.wait()
	return secrets, err
}

// ofField says in a failure that mends itself for nobody which field it is about.
func ofField(at *fieldPath, err error) error {
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != Denied && failure.Kind != FailedPrecondition {
		return err
	}
	named := *failure
	named.Reason += " (" + at.its() + " refers to it)"
	return &named
}
