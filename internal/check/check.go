package check

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// width is how many configs are checked in parallel, and held at the same time.
const width = 16

// secretsTime and secretsBytes limit how long, and in how much memory, a check keeps a secret, so
// that credentials which share it read it once.
const (
	secretsTime  = time.Hour
	secretsBytes = 32 << 20
)

// Checker checks the credentials of one Component.
type Checker struct {
	lister   resolver.Lister
	configs  *watchedConfigs
	resolver *resolver.Resolver
	secrets  map[string]*watchedSecrets // by the label of the store
	targets  map[string]string          // the value of "policy --for" that fits a store, by its label
	values   *sharedValues
	troubles troubles
	timeout  time.Duration
	progress func(done, total int)
}

// New returns a checker for open stores. failed are the errors of those that could not be opened,
// by label; see [component.OpenEach]. progress is called now and then, in one goroutine. It may be
// nil.
func New(settings component.Settings, stores *component.Stores, failed map[string]error, progress func(done, total int)) (*Checker, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	c := &Checker{
		secrets: map[string]*watchedSecrets{}, targets: map[string]string{}, values: newSharedValues(), troubles: troubles{}, timeout: settings.RequestTimeout,
		progress: progress,
	}
	watched := component.Stores{Configs: stores.Configs, Named: map[string]component.Secrets{}}
	seed := maphash.MakeSeed()
	watchSecrets := func(label string, spec store.Spec, opened component.Secrets) (component.Secrets, error) {
		if err := failed[label]; err != nil {
			c.troubles.opening(label, err)
			names, err2 := backend.NamesOnly(spec)
			if err2 != nil {
				return nil, err2
			}
			opened = failedStore{names, notOpened(err)}
		}
		c.targets[label] = backend.PolicyTarget(spec.Type)
		c.secrets[label] = watch(opened, func(value string) uint64 { return maphash.String(seed, value) })
		return c.secrets[label], nil
	}
	var err error
	if settings.SecretStore.Type != "" {
		if watched.Secrets, err = watchSecrets(credential.SecretStoreLabel(""), settings.SecretStore, stores.Secrets); err != nil {
			return nil, err
		}
	}
	for name, spec := range settings.SecretStores {
		if watched.Named[name], err = watchSecrets(credential.SecretStoreLabel(name), spec, stores.Named[name]); err != nil {
			return nil, err
		}
	}
	if err := failed[credential.ConfigStoreLabel]; err != nil {
		c.troubles.opening(credential.ConfigStoreLabel, err)
	} else {
		c.lister, c.configs = stores.Configs, &watchedConfigs{ConfigStore: stores.Configs}
	}
	settings.Cache = cache.Options{TTL: secretsTime, MaxEntries: maxRemembered, MaxBytes: secretsBytes}
	c.resolver = watched.Resolver(settings, func(store.Spec) *resolver.Known { return nil }, nil)
	return c, nil
}

// Close ends all reads. The caller closes the stores afterwards.
func (c *Checker) Close() { c.resolver.Close() }

// All checks all credentials in the order of the GUIDs, and calls report for each finding. The
// findings about stores come last. Its error is the first one of report, or that of ctx.
func (c *Checker) All(ctx context.Context, report func(Finding) error) (Summary, error) {
	var guids []string
	if c.lister != nil {
		var err error
		if guids, err = c.lister.List(ctx); err != nil {
			c.troubles.listing(err)
		}
		guids = slices.Sorted(slices.Values(guids))
	}
	return c.check(ctx, guids, report)
}

// One checks one credential; see All. The GUID is valid.
func (c *Checker) One(ctx context.Context, guid string, report func(Finding) error) (Summary, error) {
	return c.check(ctx, []string{guid}, report)
}

func (c *Checker) check(ctx context.Context, guids []string, report func(Finding) error) (Summary, error) {
	var s Summary
	reports := func(findings []Finding) error {
		for _, f := range findings {
			if f.Severity == SeverityError {
				s.Errors++
			} else {
				s.Warnings++
			}
			if err := report(f); err != nil {
				return err
			}
		}
		return nil
	}
	done := 0
	for some := range slices.Chunk(guids, width) {
		for _, r := range c.results(ctx, some) {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			switch {
			case r.gone && len(guids) > 1: // deleted meanwhile
				continue
			case len(r.troubles) > 0:
				s.Unchecked++
			}
			s.Credentials++
			c.troubles.add(r.guid, r.troubles)
			if err := reports(append(r.findings, c.shared(r)...)); err != nil {
				return s, err
			}
		}
		done += len(some)
		c.progress(done, len(guids))
	}
	if c.values.full {
		if err := reports([]Finding{valuesLeftOut()}); err != nil {
			return s, err
		}
	}
	return s, reports(c.troubles.findings())
}

// result is what the check of one credential has found.
type result struct {
	guid       string
	gone       bool // there is no config
	credential *credential.Credential
	findings   []Finding
	troubles   []trouble // why it could not be checked
}

// results checks some credentials in parallel.
func (c *Checker) results(ctx context.Context, guids []string) []result {
	all := make([]result, len(guids))
	var group sync.WaitGroup
	for i, guid := range guids {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.timeout)
			defer cancel()
			all[i] = c.result(ctx, guid)
		})
	}
	group.Wait()
	return all
}

func (c *Checker) result(ctx context.Context, guid string) result {
	r := result{guid: guid}
	if !credential.ValidGUID(guid) {
		r.findings = append(r.findings, malformedGUID(guid))
		return r
	}
	if c.configs == nil {
		r.troubles = append(r.troubles, trouble{store: credential.ConfigStoreLabel})
		return r
	}
	text, err := c.configs.Config(ctx, guid)
	switch {
	case store.Missing(err):
		r.gone, r.findings = true, append(r.findings, missingConfig(guid))
	case isTrouble(err):
		r.troubles = append(r.troubles, trouble{credential.ConfigStoreLabel, err})
	case err != nil:
		r.findings = append(r.findings, unreadableConfig(guid, err))
	default:
		c.diagnosed(&r, c.resolver.Diagnose(ctx, guid, text))
	}
	return r
}

// diagnosed adds the findings of a diagnosis.
func (c *Checker) diagnosed(r *result, d resolver.Diagnosis) {
	r.credential = d.Credential
	for _, failure := range d.Failures {
		label := credential.SecretStoreLabel(failure.Store)
		if isTrouble(failure.Err) {
			r.troubles = append(r.troubles, trouble{label, failure.Err})
			continue
		}
		f := failureFinding(d.Config == nil || d.Config.Check() != nil, failure)
		if target := c.targets[label]; f.ID == SecretDenied && target != "" {
			f.Message += `: grant what "policy --for ` + target + `" prints`
		}
		r.findings = append(r.findings, f)
	}
	if d.Config != nil {
		r.findings = append(r.findings, mistakes(d.Config, d.Credential, r.guid)...)
	}
}

// shared returns the findings about secrets with the same value.
func (c *Checker) shared(r result) []Finding {
	if r.credential == nil {
		return nil
	}
	var findings []Finding
	for _, use := range r.credential.Provenance.Secrets {
		label := use.StoreLabel()
		if use.Outcome != credential.SecretFound || use.Version != "" {
			continue
		}
		secret := storedSecret{label, string(use.Name)}
		if first, shared := c.values.add(r.guid, secret, c.secrets[label].hashesOf(secret.name)); shared {
			findings = append(findings, sharedValue(r.guid, secret, first))
		}
	}
	return findings
}
