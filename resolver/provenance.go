package resolver

import (
	"sync"
	"time"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// provenance records what a credential is made of while it is resolved. It is safe for
// concurrent use.
type provenance struct {
	made *credential.Provenance // of the finished credential

	mu             sync.Mutex
	from           *source          // the store that the config uses
	found          []cache.SecretID // existing secrets in that store
	literals       []cache.Dated[cache.Literal]
	oldest, newest time.Time // when the reads of the oldest and newest part began, in any store
}

// addSecret records an existing secret, if it is in the config's store.
func (p *provenance) addSecret(from *source, id cache.SecretID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if from == p.from {
		p.found = append(p.found, id)
	}
}

// addLiteral records that a value is no secret.
func (p *provenance) addLiteral(value cache.Literal, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.literals = append(p.literals, cache.Dated[cache.Literal]{Value: value, At: at})
}

// addTime records when the read of a part began.
func (p *provenance) addTime(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.Before(p.oldest) {
		p.oldest = at
	}
	if at.After(p.newest) {
		p.newest = at
	}
}

// newProvenance returns the provenance of a resolution that began at a time.
func newProvenance(config *credential.Config, began time.Time) *provenance {
	made := &credential.Provenance{Explicit: config.Explicit, Began: began}
	if !config.Explicit {
		made.Source, made.SourceUnknown, made.Mode = config.Source, config.SourceUnknown, config.Mode()
	}
	return &provenance{made: made, oldest: began, newest: began}
}

// uses returns room for the uses of n secrets. Each read sets its own.
func (p *provenance) uses(n int) []credential.SecretUse {
	p.made.Secrets = make([]credential.SecretUse, n)
	return p.made.Secrets
}

// useOf returns the use of a secret in a store.
func (s *source) useOf(id cache.SecretID, readAt time.Time, outcome credential.Outcome) credential.SecretUse {
	return credential.SecretUse{
		Store: s.name, Name: credential.Reference(id.Name), Version: id.Version, ReadAt: readAt, Outcome: outcome,
	}
}
