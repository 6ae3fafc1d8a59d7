package resolver

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// DefaultTimeout bounds one resolution where Options name no other (section 2).
const DefaultTimeout = 10 * time.Second

// DefaultMaxSecrets is how many distinct secrets one credential may ask for where
// Options name no other number (section 2).
const DefaultMaxSecrets = 256

// ConfigStore reads credential configs.
type ConfigStore interface {
	// Config returns a credential's config as it is stored. It fails with a
	// [StoreError] of kind NotFound if there is none; any other failure fails
	// the resolution.
	Config(ctx context.Context, guid string) ([]byte, error)
}

// SecretStore reads secrets.
type SecretStore interface {
	// Secret returns a secret's entries. It fails with a [StoreError] of kind
	// NotFound if there is no such secret, and any other failure fails the
	// resolution. It is called from several goroutines at once. A store whose secrets
	// are JSON objects gives one as the text of an entry without a name.
	Secret(ctx context.Context, name string) (map[string]string, error)
}

// Namer is a [SecretStore] with a grammar of its own for names of secrets.
type Namer interface {
	// ValidName tells whether the store can be asked for a secret of this name. A stated
	// name that it cannot be asked for is an error; any other is missing (section 4,
	// step 5).
	ValidName(name string) bool
	// LeadingSlash tells whether a value that begins with "/" may be looked up.
	LeadingSlash() bool
}

// Resolver resolves credentials. It is safe for concurrent use.
type Resolver struct {
	opts    Options
	secrets *source // nil without a default store of secrets
	named   map[string]*source
	recipes *lru.Cache[string, recipe]

	literalFields map[string]bool
	told          told // of unused secrets
	large         *largeConfigGate
}

// New returns a resolver on the stores of opts.
func New(opts Options) *Resolver {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxSecrets <= 0 {
		opts.MaxSecrets = DefaultMaxSecrets
	}
	if opts.OnUnknownSource == nil {
		opts.OnUnknownSource = func(string) {}
	}
	if opts.OnUnused == nil {
		opts.OnUnused = func(string, []Unused, bool) {}
	}
	if opts.Allowed == nil {
		opts.Allowed = func(string) bool { return true }
	}
	opts.Cache = opts.Cache.withDefaults()
	recipes, err := lru.New[string, recipe](opts.Cache.MaxEntries)
	if err != nil {
		panic(err) // only for a size below one
	}
	r := &Resolver{
		opts: opts, named: map[string]*source{}, recipes: recipes, large: newLargeConfigGate(),
		literalFields: setOf(opts.LiteralFields), told: newTold(),
	}
	if opts.Secrets != nil {
		r.secrets = newSource(NamedSecrets{Store: opts.Secrets, Known: opts.Known}, opts)
	}
	for name, secrets := range opts.Named {
		r.named[name] = newSource(secrets, opts)
	}
	return r
}

// Close ends the calls that are under way, and waits for them.
func (r *Resolver) Close() {
	if r.secrets != nil {
		r.secrets.cache.close()
	}
	for _, named := range r.named {
		named.cache.close()
	}
}

// Credential is a finished credential: immutable.
type Credential struct {
	// GUID is the credential's.
	GUID string
	// Fields are its fields, in the config's order.
	Fields Object
	// ReadAt is when the reading of the oldest part of it began.
	ReadAt time.Time

	newestAt time.Time // as ReadAt, of the newest part
	memos    [memoSlots]atomic.Pointer[[]byte]
}

// memoSlots is how many things may be kept beside a credential.
const memoSlots = 2

// maxMemo is how large what is kept beside a credential may be, in bytes.
const maxMemo = 64 << 10

// Memo returns what is kept beside the credential in a slot, 0 or 1, or makes it, and
// keeps it if that succeeds and it is not large: how a caller encodes a credential is
// his affair, and that he does so once is worth a place here. Nobody may change it.
func (c *Credential) Memo(slot int, make func() ([]byte, error)) ([]byte, error) {
	if kept := c.memos[slot].Load(); kept != nil {
		return *kept, nil
	}
	made, err := make()
	if err == nil && len(made) <= maxMemo {
		c.memos[slot].Store(&made)
	}
	return made, err
}

func newCredential(guid string, fields Object, of *made) *Credential {
	return &Credential{GUID: guid, Fields: fields, ReadAt: of.oldest, newestAt: of.newest}
}

// Format prints a fixed word for every verb: the fields hold secrets.
func (*Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Resolve returns the finished credential of a GUID, by section 4. Its error is an
// [*Error]: never a partial credential. A panic in a store is its error too.
func (r *Resolver) Resolve(ctx context.Context, guid string) (*Credential, error) {
	return r.ResolveSince(ctx, guid, time.Time{})
}

// ResolveSince is Resolve, of parts that were read at since or later; zero: of what is
// kept of secrets, as far as it is.
func (r *Resolver) ResolveSince(ctx context.Context, guid string, since time.Time) (credential *Credential, err error) {
	defer func() {
		if recover() != nil {
			credential = nil
			err = &Error{Kind: Internal, GUID: guid, Reason: storeReason(Internal, ""), cause: errPanic}
		}
	}()
	if !ValidGUID(guid) {
		return nil, &Error{Kind: InvalidRequest, Reason: "malformed GUID: " + GUIDRule}
	}
	ctx, cancel := context.WithTimeout(InTask(ctx), r.opts.Timeout)
	defer cancel()
	began := r.opts.Cache.Now()
	places := make(places, maxLookups)
	ahead := r.readAhead(ctx, guid, since, places)
	defer ahead.stop()
	text, err := r.configText(ctx, guid)
	if err != nil {
		r.recipes.Remove(guid) // a store that fails must not cost reads of another
		return nil, err
	}
	leave, err := r.admit(ctx, guid, len(text))
	if err != nil {
		return nil, err
	}
	defer leave()
	config, err := ParseConfig(text)
	if err != nil {
		r.recipes.Remove(guid)
		return nil, withGUID(guid, err)
	}
	if config.SourceUnknown {
		r.opts.OnUnknownSource(guid)
	}
	get := r.fetcher(guid, config, since, began, places)
	get.ahead = ahead.of(config)
	credential, err = r.finish(ctx, config, get)
	r.remember(guid, get, err)
	return credential, err
}

// fetcher returns what fetches the secrets of a credential whose reading began then.
func (r *Resolver) fetcher(guid string, config *Config, since, began time.Time, places places) *fetcher {
	return &fetcher{
		r: r, guid: guid, config: config, since: since, places: places,
		made: &made{oldest: began, newest: began},
	}
}

// finish makes the credential of a config.
func (r *Resolver) finish(ctx context.Context, config *Config, get *fetcher) (*Credential, error) {
	fields := config.Fields
	if r.secrets == nil && len(r.named) == 0 {
		return newCredential(get.guid, fields, get.made), nil
	}
	if err := config.Check(); err != nil {
		return nil, withGUID(get.guid, err)
	}
	from, err := r.sourceOf(config)
	if err != nil {
		return nil, withGUID(get.guid, err)
	}
	get.from, get.made.from = from, from
	switch {
	case config.Explicit:
		fields, err = get.explicit(ctx, config.filled)
	case from != nil:
		if fields, err = r.resolve(ctx, config, get); err == nil {
			err = newBudget().credential(fields)
		}
	}
	if err != nil {
		return nil, withGUID(get.guid, err)
	}
	return newCredential(get.guid, fields.without(FieldOwn), get.made), nil
}

func (r *Resolver) configText(ctx context.Context, guid string) ([]byte, error) {
	text, err := r.opts.Configs.Config(ctx, guid)
	switch {
	case err != nil && KindOf(err) == NotFound:
		return nil, &Error{Kind: NotFound, GUID: guid, Reason: noSuchCredential, cause: err}
	case err != nil:
		return nil, storeFailure(guid, configStore, "", err)
	}
	return text, nil
}

func (r *Resolver) resolve(ctx context.Context, config *Config, get *fetcher) (Object, error) {
	if config.Source == SourceDirect {
		return get.direct(ctx, config)
	}
	var (
		mayRefer chosen   // all fields of a config with a bundle
		asked    []string // the values that may be replaced: an entry of a bundle may have any name
		secrets  Object
		err      error
	)
	if config.Mode() == SingleKey {
		mayRefer = r.mayRefer(config)
	}
	values := stringValues(config.Fields, mayRefer)
	if config.Mode() == MultiKey {
		asked = values
		var bundle storedSecret
		bundle, err = get.bundle(ctx, config.SecretPath)
		secrets = bundle.Object
	} else {
		asked = get.from.naming.filter(values)
		secrets, err = get.lookUp(ctx, asked)
	}
	if err != nil {
		return Object{}, err
	}
	if !r.opts.AllowUnresolved && len(asked) > 0 && !anyIn(values, secrets) {
		get.made.literals = nil // a secret is missing, and is looked for anew
		return Object{}, &Error{Kind: FailedPrecondition, GUID: get.guid, Reason: nothingReplaced}
	}
	return applySecretValues(config.Fields, secrets, mayRefer), nil
}

// nothingReplaced is the reason for an agent credential without one secret in it.
const nothingReplaced = `no field of it names a secret that the secret store has ` +
	`(metadata "unresolved: allow" answers such a credential as it is)`

func anyIn(names []string, secrets Object) bool {
	for _, name := range names {
		if _, ok := secrets.Get(name); ok {
			return true
		}
	}
	return false
}
