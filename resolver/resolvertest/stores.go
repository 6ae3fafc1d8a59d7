package resolvertest

import (
	"testing"

	"credential-resolver/resolver"
)

// Stores are a store of configs and a store of secrets, both empty at first.
type Stores struct {
	Configs *Configs
	Secrets *Secrets
}

// New returns empty stores for one test. The test fails if a call to a store is still running
// at its end.
func New(t testing.TB) *Stores {
	t.Helper()
	return &Stores{
		Configs: &Configs{Calls: newCalls(t, "config store"), texts: map[string]string{}},
		Secrets: &Secrets{Calls: newCalls(t, "secret store"), secrets: map[string]map[string]string{}},
	}
}

// Options returns the options of a resolver on these stores. A test may set the other fields.
func (s *Stores) Options() resolver.Options {
	return resolver.Options{Configs: s.Configs, Secrets: s.Secrets}
}

// Resolver returns a new resolver on these stores, without any memory of earlier ones.
func (s *Stores) Resolver() *resolver.Resolver { return resolver.New(s.Options()) }
