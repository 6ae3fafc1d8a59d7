package resolver

import (
	"bytes"
	"context"

	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
)

// Migrate makes explicit the references of a config, which need not be stored, and
// proves that the credential is the same by resolving both: to the byte. It stores
// nothing. Its error is an [*Error]: that of a resolution, or of kind
// FailedPrecondition if the config cannot be said with explicit references.
func (r *Resolver) Migrate(ctx context.Context, guid string, text []byte) (*credential.Migration, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	config, err := credential.ParseConfig(text)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	if config.Explicit {
		return nil, credential.WithGUID(guid, credential.Precondition("its references are explicit already", nil))
	}
	before, get, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return nil, err
	}
	if get.from == nil {
		return nil, credential.WithGUID(guid, credential.Precondition("it has no store of secrets: there is nothing to prove it by", nil))
	}
	from, err := get.origins(ctx)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	m, err := credential.WriteExplicit(config, before.Fields, from)
	if err != nil {
		return nil, credential.WithGUID(guid, err)
	}
	if err := r.prove(ctx, guid, before, m.Config); err != nil {
		return nil, err
	}
	return m, nil
}

// resolveNow resolves a config, and returns what fetched its secrets.
func (r *Resolver) resolveNow(ctx context.Context, guid string, config *credential.Config) (*credential.Credential, *fetcher, error) {
	now := r.opts.Cache.Now()
	get := r.fetcher(guid, config, now, now, semaphore.NewWeighted(maxLookups))
	credential, err := r.finish(ctx, config, get)
	return credential, get, err
}

// prove resolves the new config and compares.
func (r *Resolver) prove(ctx context.Context, guid string, before *credential.Credential, text []byte) error {
	config, err := credential.ParseConfig(text)
	if err != nil {
		return credential.WithGUID(guid, err)
	}
	after, _, err := r.resolveNow(ctx, guid, config)
	if err != nil {
		return err
	}
	was, err := before.Fields.AppendJSON(nil)
	if err != nil {
		return credential.WithGUID(guid, credential.Precondition("a value of it is "+err.Error(), err))
	}
	is, err := after.Fields.AppendJSON(nil)
	if err != nil || !bytes.Equal(was, is) {
		return credential.WithGUID(guid, credential.Precondition("with explicit references it would not be the same credential "+
			"(or a secret of it has changed meanwhile: try again)", err))
	}
	return nil
}
