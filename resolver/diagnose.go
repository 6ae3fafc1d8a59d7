package resolver

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// Diagnosis is the result of a resolution that goes on after a failure.
type Diagnosis struct {
	// Config is the parsed config; nil if it cannot be parsed.
	Config *credential.Config
	// Credential is the finished credential; nil if there are Failures.
	Credential *credential.Credential
	// Failures are all reasons why the config cannot be resolved, in the order of the config.
	Failures []Failure
}

// Failure is a reason why a config cannot be resolved.
type Failure struct {
	// Err is the failure, with the GUID. Store is the name, in Options.Named, of the store that
	// Err.Reference is in; "" for the default store.
	Err   *credential.Error
	Store string
	// LookedUp tells that the Reference is a value that was looked up, which may be a password.
	LookedUp bool
}

// Diagnose resolves a config, which need not be stored. Where Resolve returns the first failure,
// Diagnose returns each reference and each looked-up value that fails.
func (r *Resolver) Diagnose(ctx context.Context, guid string, text []byte) Diagnosis {
	ctx = task.Ensure(ctx)
	fails := func(config *credential.Config, err error) Diagnosis {
		return Diagnosis{Config: config, Failures: []Failure{failureOf(guid, err, nil, false)}}
	}
	leave, err := r.admit(ctx, guid, len(text))
	if err != nil {
		return fails(nil, err)
	}
	defer leave()
	config, err := credential.ParseConfig(text)
	if err != nil {
		return fails(nil, err)
	}
	now := r.opts.Cache.Now()
	f := r.fetcher(guid, config, time.Time{}, now, semaphore.NewWeighted(maxLookups))
	finished, err := r.finish(ctx, config, f)
	if err == nil {
		return Diagnosis{Config: config, Credential: finished}
	}
	if failures := f.failures(ctx); len(failures) > 0 {
		return Diagnosis{Config: config, Failures: failures}
	}
	return Diagnosis{Config: config, Failures: []Failure{failureOf(guid, err, f.from, f.looksUp())}}
}

// failureOf returns the failure of a credential. from is the store that it is about; nil for none.
func failureOf(guid string, err error, from *source, lookedUp bool) Failure {
	failure := Failure{LookedUp: lookedUp}
	errors.As(credential.WithGUID(guid, err), &failure.Err)
	if from != nil {
		failure.Store = from.name
	}
	return failure
}

// looksUp tells whether the secrets of the config are looked-up values.
func (f *fetcher) looksUp() bool { return f.config.HowReferred() == credential.SingleKey }

// failures returns the failures of single references and looked-up values; none if the config
// fails as a whole, or has only one secret.
func (f *fetcher) failures(ctx context.Context) []Failure {
	switch {
	case f.config.Check() != nil:
		return nil
	case f.config.Explicit:
		return f.explicitFailures(ctx)
	case f.from != nil && f.looksUp():
		return f.lookUpFailures(ctx)
	default:
		return nil
	}
}

func (f *fetcher) explicitFailures(ctx context.Context) []Failure {
	var failures []Failure
	read := map[secretAt]*credential.SecretEntries{} // nil: it failed
	for _, ref := range f.config.Template().References {
		at, err := f.locate(ref)
		if err != nil {
			failures = append(failures, failureOf(f.guid, err, at.from, false))
			continue
		}
		entries, ok := read[at]
		if !ok {
			if f.r.mayAskFor(len(read)+1) != nil {
				return nil
			}
			secret, err := f.in(at.from).anySecret(ctx, at.id, &credential.SecretUse{})
			if err == nil {
				entries = credential.EntriesOfSecret(secret, at.from.label())
			} else {
				failures = append(failures, failureOf(f.guid, ref.InField(err), at.from, false))
			}
			read[at] = entries
		}
		if entries == nil {
			continue
		}
		if err := ref.Check(entries); err != nil {
			failures = append(failures, failureOf(f.guid, err, at.from, false))
		}
	}
	return failures
}

func (f *fetcher) lookUpFailures(ctx context.Context) []Failure {
	var failures []Failure
	fails := func(err error) { failures = append(failures, failureOf(f.guid, err, f.from, true)) }
	seen := map[string]bool{}
	for _, name := range f.from.naming.filter(credential.StringValues(f.config.Fields, f.r.mayRefer(f.config))) {
		if seen[name] {
			continue
		}
		seen[name] = true
		switch allowed := f.mayAsk(name); {
		case !allowed && !f.r.opts.DeniedIsLiteral:
			fails(f.notAllowed(name, f.askedBy(name)))
		case f.r.mayAskFor(len(seen)) != nil:
			return nil
		case allowed:
			if _, err := f.lookUpSecret(ctx, name, &credential.SecretUse{}); err != nil {
				fails(credential.InField(f.fieldWith(name), err))
			}
		}
	}
	return failures
}
