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

// DefaultTimeout is the default of [Options].Timeout (section 2, requestTimeout).
const DefaultTimeout = 10 * time.Second

// DefaultMaxSecrets is the default of [Options].MaxSecrets (section 2, maxSecrets).
const DefaultMaxSecrets = 256

// ConfigStore reads credential configs.
type ConfigStore interface {
	// Config returns the config of a credential as it is stored. Its error is a
	// [*credential.StoreError], of kind NotFound if there is no config. Any other error fails
	// the resolution.
	Config(ctx context.Context, guid string) ([]byte, error)
}

// SecretStore reads secrets.
type SecretStore interface {
	// Secret returns the entries of a secret. Its error is a [*credential.StoreError], of
	// kind NotFound if there is no such secret. Any other error fails the resolution. Secret
	// is called by several goroutines at once. A store whose secrets are JSON objects returns
	// such a secret as the text of one entry without a name.
	Secret(ctx context.Context, name string) (map[string]string, error)
}

// Namer is a [SecretStore] with its own grammar for names of secrets.
type Namer interface {
	// ValidName tells whether the store can be asked for a secret of this name. An invalid
	// stated name is an error; any other invalid name counts as missing (section 4, step 5).
	ValidName(name string) bool
	// LeadingSlash tells whether single-key mode may look up a value that begins with "/".
	LeadingSlash() bool
}

// Versioner is a [SecretStore] that may keep several versions of a secret.
type Versioner interface {
	// CheckVersion returns an error if the store can never be asked for this version. The
	// error's text says how to fix it, and contains neither the version nor a name.
	CheckVersion(version string) error
	// SecretVersion is like Secret, for one version as the store counts them.
	SecretVersion(ctx context.Context, name, version string) (map[string]string, error)
}

// Resolver resolves credentials. It is safe for concurrent use.
type Resolver struct {
	opts    Options
	secrets *source // nil if there is no default store of secrets
	named   map[string]*source
	plans   *lru.Cache[string, plan]

	literalFields map[string]bool
	reported      seenConfigs // configs whose unused secrets have been reported
	large         *largeConfigGate
}

var _ cache.Next = (*Resolver)(nil)

// New returns a resolver for the stores of opts.
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
	plans, err := lru.New[string, plan](opts.Cache.MaxEntries)
	if err != nil {
		panic(err) // only for a size below one
	}
	r := &Resolver{
		opts: opts, named: map[string]*source{}, plans: plans, large: newLargeConfigGate(),
		literalFields: setOf(opts.LiteralFields), reported: newSeenConfigs(),
	}
	if opts.Secrets != nil {
		r.secrets = newSource("", NamedSecrets{Store: opts.Secrets, Known: opts.Known}, opts)
	}
	for name, secrets := range opts.Named {
		r.named[name] = newSource(name, secrets, opts)
	}
	return r
}

// Close ends all reads and waits for them.
func (r *Resolver) Close() {
	if r.secrets != nil {
		r.secrets.cache.Close()
	}
	for _, named := range r.named {
		named.cache.Close()
	}
}

// Resolve returns the finished credential of a GUID (section 4), never a part of one. The
// caller has checked the GUID with [credential.ValidGUID], and ctx has the deadline. The error
// is an [*credential.Error].
func (r *Resolver) Resolve(ctx context.Context, guid string) (*credential.Credential, error) {
	return r.ResolveSince(ctx, guid, time.Time{})
}

// ResolveSince is like Resolve, but uses only parts that were read at since or later. Zero:
// cached secrets of any age may be used.
func (r *Resolver) ResolveSince(ctx context.Context, guid string, since time.Time) (*credential.Credential, error) {
	ctx = task.Ensure(ctx)
	began := r.opts.Cache.Now()
	lookups := semaphore.NewWeighted(maxLookups)
	prefetch := r.prefetch(ctx, guid, since, lookups)
	defer prefetch.stop()
	text, err := r.configText(ctx, guid)
	if err != nil {
		r.plans.Remove(guid) // no prefetch while the config store fails
		return nil, err
	}
	leave, err := r.admit(ctx, guid, len(text))
	if err != nil {
		return nil, err
	}
	defer leave()
	config, err := credential.ParseConfig(text)
	if err != nil {
		r.plans.Remove(guid)
		return nil, credential.WithGUID(guid, err)
	}
	r.opts.Observer.ConfigRead(ctx, guid, config.Source, config.HowReferred())
	if config.SourceUnknown {
		r.opts.Observer.UnknownSource(ctx, guid)
	}
	f := r.fetcher(guid, config, since, began, lookups)
	f.prefetch = prefetch.of(config)
	finished, err := r.finish(ctx, config, f)
	r.remember(guid, f, err)
	return finished, err
}

// fetcher returns the fetcher of a credential. began is when the resolution began.
func (r *Resolver) fetcher(guid string, config *credential.Config, since, began time.Time, lookups *semaphore.Weighted) *fetcher {
	return &fetcher{
		r: r, guid: guid, config: config, since: since, lookups: lookups,
		provenance: newProvenance(config, began),
	}
}

// finish turns a config into the finished credential.
func (r *Resolver) finish(ctx context.Context, config *credential.Config, f *fetcher) (*credential.Credential, error) {
	fields := config.Fields
	if r.hasNoSecrets() {
		f.provenance.made.NoStore = true
		return f.credential(fields), nil
	}
	err := f.choose()
	switch {
	case err != nil:
	case config.Explicit:
		fields, err = f.explicit(ctx, config.Template())
	case f.from == nil:
		f.provenance.made.NoStore = true
	default:
		if fields, err = r.resolve(ctx, config, f); err == nil {
			err = credential.CheckSize(fields)
		}
	}
	if err != nil {
		return nil, credential.WithGUID(f.guid, err)
	}
	return f.credential(fields.Without(credential.FieldOwn)), nil
}

// hasNoSecrets tells whether there is no store of secrets at all, so that configs are answered
// as they are.
func (r *Resolver) hasNoSecrets() bool { return r.secrets == nil && len(r.named) == 0 }

// choose checks the config and chooses its store of secrets.
func (f *fetcher) choose() error {
	if err := f.config.Check(); err != nil {
		return err
	}
	from, err := f.r.sourceOf(f.config)
	f.from, f.provenance.from = from, from
	return err
}

func (r *Resolver) configText(ctx context.Context, guid string) ([]byte, error) {
	text, err := r.opts.Configs.Config(ctx, guid)
	switch {
	case err != nil && credential.KindOf(err) == credential.NotFound:
		return nil, credential.NoCredential(guid, err)
	case err != nil:
		return nil, credential.ConfigStoreFailure(guid, err)
	}
	return text, nil
}

func (r *Resolver) resolve(ctx context.Context, config *credential.Config, f *fetcher) (credential.Object, error) {
	if config.Source == credential.SourceDirect {
		return f.direct(ctx, config)
	}
	var (
		origins = f.originsOfFields()
		asked   []string // the values that may be names; with a bundle, all
		secrets credential.Object
		err     error
	)
	values := credential.StringValues(config.Fields, origins.mayRefer)
	if config.Mode() == credential.MultiKey {
		asked = values
		var bundle credential.Secret
		bundle, err = f.bundle(ctx, config.SecretPath)
		secrets = bundle.Object
	} else {
		asked = f.from.naming.filter(values)
		origins.merged, err = f.lookUp(ctx, asked)
		secrets = origins.entries
	}
	if err != nil {
		return credential.Object{}, err
	}
	if !r.opts.AllowUnresolved && len(asked) > 0 && !anyIn(values, secrets) {
		f.provenance.literals = nil // probably a secret is missing: look it up again next time
		return credential.Object{}, &credential.Error{Kind: credential.FailedPrecondition, GUID: f.guid, Reason: nothingReplaced}
	}
	return credential.Substitute(config.Fields, secrets, origins.mayRefer, origins.add), nil
}

// nothingReplaced is the reason for an agent credential in which no value was replaced.
const nothingReplaced = `none of its fields names a secret that the secret store has ` +
	`(metadata "unresolved: allow" returns such a credential unchanged)`

func anyIn(names []string, secrets credential.Object) bool {
	for _, name := range names {
		if _, ok := secrets.Get(name); ok {
			return true
		}
	}
	return false
}
