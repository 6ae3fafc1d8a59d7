package resolver

import (
	"context"
	"time"

	"credential-resolver/resolver/cache"
)

// Options are what a resolver works on.
type Options struct {
	// Configs is the store of configs. Required.
	Configs ConfigStore
	// Secrets is the store of secrets. Nil: configs are answered as they are,
	// which only the local environment allows (section 2).
	Secrets SecretStore
	// Allowed tells whether a secret of this name may be asked for (section 2,
	// allowedSecrets), of Secrets and of each Named store without an Allowed of its
	// own. Nil: all may.
	Allowed func(name string) bool
	// Known is what is remembered of Secrets. Nil: a memory of the resolver's own.
	Known *Known
	// Named are further stores of secrets, each chosen by its name in the
	// "credential-resolver" block of a config (section 2, secretStores). Nil: none.
	Named map[string]NamedSecrets
	// LookupFields are the fields of single-key configs that may be references,
	// such as "password" and "extra.token" (section 2). Nil: all.
	LookupFields []string
	// LiteralFields are the fields at the top of single-key configs that are no references,
	// such as "host" (section 2). Where LookupFields or a config's own list is set, they
	// mean nothing. Nil: none.
	LiteralFields []string
	// MaxSecrets is how many distinct secrets one credential may ask for at the most
	// (section 2). Zero: DefaultMaxSecrets.
	MaxSecrets int
	// DeniedIsLiteral takes a value for a literal if the store refuses to look it
	// up in single-key mode, or if it is not allowed (section 2, deniedProbe).
	// False: that fails the resolution.
	DeniedIsLiteral bool
	// AllowUnresolved answers an agent credential of which nothing was replaced
	// as it is. False: that is an error (section 2, unresolved).
	AllowUnresolved bool
	// Timeout bounds one resolution. Zero: DefaultTimeout.
	Timeout time.Duration
	// Cache bounds what is kept of secrets, and of what single-key mode has learned.
	// Its zero value: nothing is kept.
	Cache cache.Options
	// Observer is told of configs that are probably not meant as they are. Nil: nobody is
	// told.
	Observer Observer
}

// Observer is told of configs that are probably not meant as they are. It is called from
// several goroutines at once.
type Observer interface {
	// UnknownSource reports that a config was resolved whose credentialSource is neither
	// direct nor agent, and was taken for direct (section 4, step 2).
	UnknownSource(ctx context.Context, guid string)
	// UnusedSecrets reports that a single-key config was resolved whose fields name secrets
	// of which nothing was used (section 4, step 5). first tells that it is the first
	// report of a config with this text, as far as is remembered.
	UnusedSecrets(ctx context.Context, guid string, unused []Unused, first bool)
}

// noObserver is the Observer that does nothing.
type noObserver struct{}

var _ Observer = noObserver{}

// UnknownSource implements Observer.
func (noObserver) UnknownSource(context.Context, string) {}

// UnusedSecrets implements Observer.
func (noObserver) UnusedSecrets(context.Context, string, []Unused, bool) {}

// NamedSecrets is a store of secrets.
type NamedSecrets struct {
	// Store is the store. Required.
	Store SecretStore
	// Known is what is remembered of it. Nil: a memory of the resolver's own.
	Known *Known
	// Allowed tells whether a secret of this name may be asked for (section 2,
	// secretStores.<name>.allowedSecrets). Nil: as Options.Allowed says.
	Allowed func(name string) bool
}
