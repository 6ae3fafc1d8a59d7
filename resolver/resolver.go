package resolver

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
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

var _ cache.Next = (*Resolver)(nil)

// New returns a resolver on the stores of opts.
func New(opts Options) *Resolver {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxSecrets <= 0 {
		opts.MaxSecrets = DefaultMaxSecrets
	}
	if opts.Observer == nil {
		opts.Observer = noObserver{}
	}
	if opts.Allowed == nil {
		opts.Allowed = func(string) bool { return true }
	}
	opts.Cache = opts.Cache.WithDefaults()
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
		r.secrets.cache.Close()
	}
	for _, named := range r.named {
		named.cache.Close()
	}
}

// Resolve returns the finished credential of a GUID, by section 4. Its error is an
// [*Error]: never a partial credential. A panic in a store is its error too.
func (r *Resolver) Resolve(ctx context.Context, guid string) (*credential.Credential, error) {
	return r.ResolveSince(ctx, guid, time.Time{})
}

// ResolveSince is Resolve, of parts that were read at since or later; zero: of what is
// kept of secrets, as far as it is.
func (r *Resolver) ResolveSince(ctx context.Context, guid string, since time.Time) (finished *credential.Credential, err error) {
	defer func() {
		if recover() != nil {
			finished = nil
			err = credential.Panicked(guid, "")
		}
	}()
	if !credential.ValidGUID(guid) {
		return nil, &credential.Error{Kind: credential.InvalidRequest, Reason: "malformed GUID: " + credential.GUIDRule}
	}
	ctx, cancel := context.WithTimeout(task.Ensure(ctx), r.opts.Timeout)
	defer cancel()
	began := r.opts.Cache.Now()
	lookups := semaphore.NewWeighted(maxLookups)
	ahead := r.prefetch(ctx, guid, since, lookups)
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
	config, err := credential.ParseConfig(text)
	if err != nil {
		r.recipes.Remove(guid)
		return nil, credential.WithGUID(guid, err)
	}
	if config.SourceUnknown {
		r.opts.Observer.UnknownSource(ctx, guid)
	}
	get := r.fetcher(guid, config, since, began, lookups)
	get.prefetch = ahead.of(config)
	finished, err = r.finish(ctx, config, get)
	r.remember(guid, get, err)
	return finished, err
}

// fetcher returns what fetches the secrets of a credential whose reading began then.
func (r *Resolver) fetcher(guid string, config *credential.Config, since, began time.Time, lookups *semaphore.Weighted) *fetcher {
	return &fetcher{
		r: r, guid: guid, config: config, since: since, lookups: lookups,
		provenance: &provenance{oldest: began, newest: began},
	}
}

// finish makes the credential of a config.
func (r *Resolver) finish(ctx context.Context, config *credential.Config, get *fetcher) (*credential.Credential, error) {
	fields := config.Fields
	if r.secrets == nil && len(r.named) == 0 {
		return get.credential(fields), nil
	}
	if err := config.Check(); err != nil {
		return nil, credential.WithGUID(get.guid, err)
	}
	from, err := r.sourceOf(config)
	if err != nil {
		return nil, credential.WithGUID(get.guid, err)
	}
	get.from, get.provenance.from = from, from
	switch {
	case config.Explicit:
		fields, err = get.explicit(ctx, config.Template())
	case from != nil:
		if fields, err = r.resolve(ctx, config, get); err == nil {
			err = credential.CheckSize(fields)
		}
	}
	if err != nil {
		return nil, credential.WithGUID(get.guid, err)
	}
	return get.credential(fields.Without(credential.FieldOwn)), nil
}

func (r *Resolver) configText(ctx context.Context, guid string) ([]byte, error) {
	text, err := r.opts.Configs.Config(ctx, guid)
	switch {
	case err != nil && credential.KindOf(err) == credential.NotFound:
		return nil, credential.NoCredential(guid, err)
	case err != nil:
		return nil, credential.StoreFailure(guid, credential.ConfigStoreName, "", err)
	}
	return text, nil
}

func (r *Resolver) resolve(ctx context.Context, config *credential.Config, get *fetcher) (credential.Object, error) {
	if config.Source == credential.SourceDirect {
		return get.direct(ctx, config)
	}
	var (
		mayRefer credential.FieldFilter // all fields of a config with a bundle
		asked    []string               // the values that may be replaced: an entry of a bundle may have any name
		secrets  credential.Object
		err      error
	)
	if config.Mode() == credential.SingleKey {
		mayRefer = r.mayRefer(config)
	}
	values := credential.StringValues(config.Fields, mayRefer)
	if config.Mode() == credential.MultiKey {
		asked = values
		var bundle credential.Secret
		bundle, err = get.bundle(ctx, config.SecretPath)
		secrets = bundle.Object
	} else {
		asked = get.from.naming.filter(values)
		secrets, err = get.lookUp(ctx, asked)
	}
	if err != nil {
		return credential.Object{}, err
	}
	if !r.opts.AllowUnresolved && len(asked) > 0 && !anyIn(values, secrets) {
		get.provenance.literals = nil // a secret is missing, and is looked for anew
		return credential.Object{}, &credential.Error{Kind: credential.FailedPrecondition, GUID: get.guid, Reason: nothingReplaced}
	}
	return credential.Substitute(config.Fields, secrets, mayRefer), nil
}

// nothingReplaced is the reason for an agent credential without one secret in it.
const nothingReplaced = `no field of it names a secret that the secret store has ` +
	`(metadata "unresolved: allow" answers such a credential as it is)`

func anyIn(names []string, secrets credential.Object) bool {
	for _, name := range names {
		if _, ok := secrets.Get(name); ok {
			return true
		}
	}
	return false
}
