package resolver

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	configStore = "config store"
	secretStore = "secret store"
)

var errPanic = errors.New("panic in a store")

// storedSecret is a secret after step 6: the zero value is a missing one. Of one entry that
// is a JSON object it has that entry as well, for explicit references (section 10).
type storedSecret struct {
	Object

	isObject    bool
	entry, text string // the stored entry's name and text
}

// exists tells whether the store has the secret, with an entry that is not empty before or
// after step 6.
func (s storedSecret) exists() bool { return s.isObject || s.Len() > 0 }

// secret fetches one secret that may be asked for. One without entries is missing: the
// store has none, cannot have one of that name, or has one without a
// non-empty entry (section 4, step 4). One that was there before is an error of
// kind NotFound instead (step 8).
func (f *fetcher) secret(ctx context.Context, name string) (storedSecret, error) {
	secret, err := f.anySecret(ctx, name)
	if err == nil && secret.Len() == 0 && f.from.known.has(name) {
		err = secretGone(f.guid, name, "a secret that it had before is gone from the secret store")
	}
	return secret, err
}

// anySecret is secret for who takes one that is gone for a missing one.
func (f *fetcher) anySecret(ctx context.Context, name string) (secret storedSecret, err error) {
	defer func() {
		if recover() != nil {
			err = storeFailure(f.guid, secretStore, Reference(name), &StoreError{Kind: Internal, Err: errPanic})
		}
	}()
	if f.from.naming.valid(name) {
		read, err := f.read(ctx, name)
		switch {
		case errors.Is(err, errNotUTF8):
			return storedSecret{}, &Error{
				Kind: FailedPrecondition, GUID: f.guid, Reason: "a secret of it is a JSON object that is " + err.Error(),
				Store: secretStore, Reference: Reference(name), cause: err,
			}
		case err != nil:
			return storedSecret{}, storeFailure(f.guid, secretStore, Reference(name), err)
		}
		f.made.add(read.at)
		secret = read.value
	}
	if secret.Len() > 0 {
		f.has(name)
	}
	return secret, nil
}

// read returns a secret that is being read already, or reads it.
func (f *fetcher) read(ctx context.Context, name string) (dated[storedSecret], error) {
	if ahead, ok := f.ahead[name]; ok {
		return ahead.wait(ctx)
	}
	return f.places.get(ctx, f.from, name, f.since)
}

// places are those for the reads of secrets that one resolution has under way.
type places chan struct{}

// get returns a secret of a store that was read at since or later; zero: at any time.
func (p places) get(ctx context.Context, from *source, name string, since time.Time) (dated[storedSecret], error) {
	select {
	case p <- struct{}{}:
		defer func() { <-p }()
	case <-ctx.Done():
		return dated[storedSecret]{}, ctx.Err()
	}
	return from.cache.get(ctx, name, since, func(ctx context.Context) (storedSecret, error) { return from.read(ctx, name) })
}

// read reads a secret. It has no entries if the store has none, or none that is not empty.
func (s *source) read(ctx context.Context, name string) (storedSecret, error) {
	data, err := s.store.Secret(ctx, name)
	if err != nil && KindOf(err) != NotFound {
		return storedSecret{}, err
	}
	secret, err := readSecret(data)
	if err != nil {
		return storedSecret{}, err
	}
	if missing(secret.Object) {
		secret.Object = Object{}
	}
	return secret, nil
}

// readSecret returns a secret that a store gave, and its entries as [Entries] does.
func readSecret(data map[string]string) (storedSecret, error) {
	if len(data) == 1 {
		for entry, text := range data {
			if o, ok, err := objectText(text); ok || err != nil {
				if entry == "" { // it is the secret, and no entry of it
					return storedSecret{Object: o}, err
				}
				return storedSecret{o, true, entry, text}, err
			}
		}
	}
	b := newBuilder(len(data))
	for _, name := range slices.Sorted(maps.Keys(data)) {
		b.set(name, StringValue(data[name]))
	}
	return storedSecret{Object: b.object()}, nil
}

// Entries returns the entries of a secret as a store gave them, by section 4,
// step 6: one entry whose value is a JSON object stands for that object; it is an
// error if such an object is not UTF-8. Entries of a store have no order of their
// own; here they are sorted by name.
func Entries(data map[string]string) (Object, error) {
	secret, err := readSecret(data)
	return secret.Object, err
}

// missing tells whether a secret counts as none: section 4, step 4.
func missing(entries Object) bool {
	_, n := notEmptyEntry(entries)
	return n == 0
}

// notEmptyEntry returns the last entry of a secret that is not empty, and how many such
// there are.
func notEmptyEntry(entries Object) (entry Field, n int) {
	for name, v := range entries.All() {
		if !v.empty() {
			entry = Field{name, v}
			n++
		}
	}
	return entry, n
}

// onlyEntry returns a secret's single non-empty entry, if there is one alone and
// it is not a JSON object: section 4, step 5, its last sentence.
func onlyEntry(entries Object) (Field, bool) {
	only, n := notEmptyEntry(entries)
	if n != 1 || only.Value.kind == ObjectKind {
		return Field{}, false
	}
	if text, ok := only.Value.Text(); ok {
		if _, isObject, err := objectText(text); isObject || err != nil {
			return Field{}, false
		}
	}
	return only, true
}

// objectText reads a text that is a JSON object. An object by JSON's grammar that
// is not UTF-8, or has half a surrogate pair in it, is an error: to take it for a
// plain text would hand out the whole object in the place of a field.
func objectText(text string) (o Object, isObject bool, err error) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return Object{}, false, nil
	}
	if o, err = ParseObject([]byte(text)); err == nil {
		return o, true, nil
	}
	if jsontext.Value(text).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		return Object{}, false, errNotUTF8
	}
	return Object{}, false, nil
}
