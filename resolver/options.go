package resolver

import (
	"context"
	"time"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// Options configure a [Resolver]. "Section" means a section of DESIGN.md.
type Options struct {
	// Configs is the store of configs. Required.
	Configs ConfigStore
	// Secrets is the default store of secrets. Nil: there is none. Without any store of
	// secrets, configs are answered as they are, which only the local environment allows
	// (section 2).
	Secrets SecretStore
	// Allowed tells whether a secret of this name may be asked for (section 2,
	// allowedSecrets). It applies to Secrets, and to each Named store without an Allowed
	// of its own. Nil: all are allowed.
	Allowed func(name string) bool
	// Known remembers the secrets of Secrets. Nil: the resolver makes its own.
	Known *Known
	// Named are further stores of secrets, by the name that the "credential-resolver" block
	// of a config chooses (section 2, secretStores). Nil: none.
	Named map[string]NamedSecrets
	// LookupFields are the fields of single-key configs that may be references, such as
	// "password" and "extra.token" (section 2). Nil: all fields.
	LookupFields []string
	// LiteralFields are the top-level fields of single-key configs that are never references,
	// such as "host" (section 2). They are ignored where LookupFields or the config's own
	// list is set. Nil: none.
	LiteralFields []string
	// MaxSecrets is the maximum number of distinct secrets that one credential may ask for
	// (section 2). Zero: DefaultMaxSecrets.
	MaxSecrets int
	// DeniedIsLiteral treats a looked-up value as a literal if the store refuses it, or
	// allowedSecrets does not allow it (section 2, deniedProbe). False: the resolution fails.
	DeniedIsLiteral bool
	// AllowUnresolved answers an agent credential as it is if none of its values was replaced
	// (section 2, unresolved). False: the resolution fails.
	AllowUnresolved bool
	// Timeout limits one read of a secret, which goes on for other credentials after the
	// resolution that began it has ended. Use the limit of one resolution (section 2,
	// requestTimeout), whose own deadline is that of its context. Zero: DefaultTimeout.
	Timeout time.Duration
	// Cache limits the cache of secrets, and what single-key mode remembers. Its zero value:
	// no caching.
	Cache cache.Options
	// Observer is told of configs. Nil: no observer.
	Observer Observer
}

// Observer is told of configs, and of those that are probably wrong. It is called from several
// goroutines at once.
type Observer interface {
	// ConfigRead reports a config that was read, with its source and its mode (section 4, steps
	// 2 and 3; [credential.ModeExplicit] for section 10).
	ConfigRead(ctx context.Context, guid string, source credential.Source, mode credential.SecretMode)
	// UnknownSource reports a resolved config whose credentialSource is unknown and was
	// taken for direct (section 4, step 2).
	UnknownSource(ctx context.Context, guid string)
	// UnusedSecrets reports a resolved single-key config with fields that name secrets of
	// which nothing was used (section 4, step 5). first is true the first time for a config
	// with this text, as far as this process remembers.
	UnusedSecrets(ctx context.Context, guid string, unused []Unused, first bool)
}

// noObserver is the Observer that does nothing.
type noObserver struct{}

var _ Observer = noObserver{}

// ConfigRead implements Observer.
func (noObserver) ConfigRead(context.Context, string, credential.Source, credential.SecretMode) {}

// UnknownSource implements Observer.
func (noObserver) UnknownSource(context.Context, string) {}

// UnusedSecrets implements Observer.
func (noObserver) UnusedSecrets(context.Context, string, []Unused, bool) {}

// NamedSecrets is a named store of secrets.
type NamedSecrets struct {
	// Store is the store. Required.
	Store SecretStore
	// Known remembers its secrets. Nil: the resolver makes its own.
	Known *Known
	// Allowed tells whether a secret of this name may be asked for (section 2,
	// secretStores.<name>.allowedSecrets). Nil: Options.Allowed applies.
	Allowed func(name string) bool
}
